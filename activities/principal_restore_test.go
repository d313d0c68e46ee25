package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// cutOffLease acquires a lease whose first write was cut off, and is still on its way. It returns what that write
// sends.
func cutOffLease(d *grantFixture) access.Holdings {
	d.t.Helper()
	in := d.change(access.OpAcquire, lease("1", d.soc))
	d.dieAt(in, "before it sent")
	require.Equal(d.t, access.Applied, d.mustWrite(in).Proof.Outcome)
	return d.held()
}

// readAgain is one attempt at the read that confirms the release of lease 1. An error is one that is retried.
func (d *grantFixture) readAgain() (wire.ConfirmResult, error) {
	d.t.Helper()
	in := d.change(access.OpRelease, lease("1", d.soc))
	out, err := d.principal.readAgain(d.alone(), wire.ConfirmInput{
		Writer: d.who, Key: in.Change.Key, Request: in.Change.Request, Absent: []access.Holding{d.soc},
	})
	require.False(d.t, err != nil && fault.KindOf(err).Final(), "%v", err)
	return out, err
}

// A write that was cut off arrives right after the proof of the release, and gives the role again: that is no edit by
// hand. What it replaced is restored, by a write that the receipt has too, and the reads that confirm the release come
// after it.
func TestConfirm_RestoresWhatALateWriteReplaced(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	late := cutOffLease(d)
	third := d.viewerAtThirdSite()
	d.mustWrite(d.change(access.OpGrant, lease("2", third)))
	d.now = d.now.Add(5 * time.Minute)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
	want := holdings(d.viewer, third)
	require.Equal(t, want, d.held())

	d.editByHand(late) // as the console would carry it out
	puts := d.puts()
	_, err := d.readAgain()
	require.ErrorContains(t, err, "arrived late")
	require.Equal(t, want, d.held())
	require.Equal(t, puts+1, d.puts())

	got, err := d.readAgain()
	require.NoError(t, err)
	require.False(t, got.Shown)
	require.Equal(t, puts+1, d.puts(), "once")
	record, err := d.principal.recordOf(d.alone(), ledger.Run{Request: "grant/1", ID: "run"})
	require.NoError(t, err)
	proof, _ := record.ProofOf(access.ChangeKey("grant/1#run", access.OpRelease))
	require.True(t, proof.Confirmed)
	require.Equal(t, access.Released, proof.Outcome)
	require.Len(t, proof.Writes, 2)
	require.True(t, proof.Writes[1].Restores)
	require.Equal(t, 200, proof.Writes[1].Status)
}

// The same after a role was revoked.
func TestConfirm_RestoresARevoke(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	granted := d.change(access.OpGrant, lease("1", d.soc))
	d.dieAt(granted, "before it sent")
	d.mustWrite(granted)
	late := d.held()
	d.mustWrite(d.change(access.OpGrant, lease("2", d.viewerAtThirdSite())))
	revoke := d.change(access.OpRevoke, lease("3", d.soc))
	require.Equal(t, access.Removed, d.mustWrite(revoke).Proof.Outcome)
	d.editByHand(late)
	_, err := d.principal.readAgain(d.alone(), wire.ConfirmInput{
		Writer: d.who, Key: revoke.Change.Key, Request: revoke.Change.Request, Absent: []access.Holding{d.soc},
	})
	require.ErrorContains(t, err, "arrived late")
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite()), d.held())
}

// A write that was sent again and arrives within the time in which the console may still show what was before the
// release looks like that. Nothing is concluded from it until that time is over.
func TestConfirm_WaitsForASlowConsole(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	late := cutOffLease(d)
	d.now = d.now.Add(5 * time.Minute)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	d.editByHand(late)
	for range access.MaxReappearances + 1 {
		_, err := d.readAgain()
		require.ErrorContains(t, err, errStaleRead.Error())
		require.Equal(t, late, d.held())
	}
	d.now = d.now.Add(visibilityDelay)
	_, err := d.readAgain()
	require.ErrorContains(t, err, "arrived late")
	require.Equal(t, holdings(d.viewer), d.held())
	got, err := d.readAgain()
	require.NoError(t, err)
	require.False(t, got.Shown)
}

// Somebody gives the role again by hand after its release: that stands, also where a write was cut off before, whose
// list was another one.
func TestConfirm_AnEditByHandStands(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	cutOffLease(d)
	d.now = d.now.Add(5 * time.Minute)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	byHand := holdings(d.soc, d.viewerAtThirdSite())
	d.editByHand(byHand)
	puts := d.puts()
	for range access.MaxReappearances {
		got, err := d.readAgain()
		require.NoError(t, err)
		require.True(t, got.Shown)
		require.False(t, got.Ours)
	}
	require.Equal(t, byHand, d.held())
	require.Equal(t, puts, d.puts())
}

// Another attempt changes the principal: the write that restores waits for it, and is not made without the lock.
func TestConfirm_RestoresUnderTheLock(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	late := cutOffLease(d)
	d.mustWrite(d.change(access.OpGrant, lease("2", d.viewerAtThirdSite())))
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	d.editByHand(late)
	subject := ledger.Subject{Kind: d.who.Kind, ID: d.who.ID}
	other, err := d.store.LockPrincipal(t.Context(), d.who.Console, subject.String())
	require.NoError(t, err)
	_, err = d.readAgain()
	require.ErrorIs(t, err, errLockedElsewhere)
	require.Equal(t, late, d.held())
	require.NoError(t, other.Release(t.Context()))
	_, err = d.readAgain()
	require.ErrorContains(t, err, "arrived late")
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite()), d.held())
}

// Whoever asks for a read again, of a change that has ended no access, restores nothing.
func TestConfirm_RestoresForWhatHasEndedOnly(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	late := cutOffLease(d)
	d.mustWrite(d.change(access.OpGrant, lease("2", d.viewerAtThirdSite())))
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	d.editByHand(late)
	puts := d.puts()
	for _, in := range []wire.ChangeRequest{
		d.change(access.OpGrant, lease("2", d.viewerAtThirdSite())).Change,
		{Key: "grant/9#run/release", Request: "grant/9"},
		{Key: "grant/1#run/release", Request: "grant/2"},
	} {
		_, err := d.principal.readAgain(d.alone(), wire.ConfirmInput{
			Writer: d.who, Key: in.Key, Request: in.Request, Absent: []access.Holding{d.soc},
		})
		require.NoError(t, err)
	}
	require.Equal(t, puts, d.puts())
	require.Equal(t, kinds.Unavailable, fault.KindOf(errRestored))
}

// A write that waited long for its turn, and was sent and cut off a few minutes ago, may arrive late, however long ago
// it was recorded.
func TestWrite_LateCountsFromWhenItWasSent(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	cut := d.change(access.OpAcquire, lease("1", d.soc))
	w, recorded := d.principal.attempt(cut), d.now
	d.dieAt(cut, "before it sent")
	d.now = d.now.Add(lateWindow - time.Minute)
	_, err := d.store.Append(t.Context(), d.who.Console, ledger.NewEntry{
		Request: cut.Change.Request, Key: ledger.AnswerKey(cut.Change.Key, 0), At: d.now, Body: ledger.Answer{
			Principal: w.principal, Write: access.Write{At: recorded, Error: "context canceled"},
		},
	})
	require.NoError(t, err)
	require.Equal(t, access.Applied, d.mustWrite(cut).Proof.Outcome)
	late := d.held()
	d.now = d.now.Add(2 * time.Minute)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	d.mustWrite(d.change(access.OpGrant, lease("2", d.viewerAtThirdSite())))
	d.editByHand(late)
	require.Empty(t, d.mustWrite(d.change(access.OpGrant, lease("3", d.viewer))).Proof.Drift)
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite()), d.held())
}
