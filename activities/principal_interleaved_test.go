package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
)

// Two changes were cut off after their writes, and the older one is settled first: the role of the newer one is not
// taken for an edit by hand, which would keep it for ever.
func TestWrite_SettledBesideAnUnprovenChange(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	third := d.viewerAtThirdSite()
	d.mustWrite(d.change(access.OpGrant, lease("0", d.soc)))
	first, second := d.change(access.OpGrant, lease("1", third)), d.change(access.OpAcquire, lease("2", d.admin))
	d.dieAt(first, "before the answer")
	d.dieAt(second, "before the answer")
	require.Equal(t, holdings(d.viewer, d.admin, third), d.held())

	require.Empty(t, d.mustWrite(first).Proof.Drift, "nobody has changed anything by hand")
	got := d.mustWrite(second)
	require.Equal(t, access.Applied, got.Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("2", d.admin))).Proof.Outcome)
	require.Equal(t, holdings(d.viewer, d.soc, third), d.held())
}

// A lease was cut short by a permanent grant and acquired anew, and that write was cut off, as was one of another
// request: the lease claims its role, so its end removes it.
func TestWrite_AdoptsALeaseThatWasLost(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leased := d.change(access.OpAcquire, lease("1", d.admin))
	d.dieAt(leased, "before the answer")
	d.mustWrite(d.change(access.OpGrant, lease("2", d.soc))) // which takes the lease's place
	d.dieAt(d.change(access.OpGrant, lease("3", d.viewerAtThirdSite())), "before the answer")
	d.now = d.now.Add(visibilityDelay)
	d.dieAt(leased, "before the answer")
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite(), d.admin), d.held())

	d.mustWrite(d.change(access.OpRevoke, lease("4", d.viewer)))
	require.Equal(t, access.Applied, d.mustWrite(leased).Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.admin))).Proof.Outcome)
	require.Equal(t, holdings(d.viewerAtThirdSite(), d.soc), d.held())
}

// A lease that a later one hides was acquired anew, and that write was cut off, as was one of another request: it is
// the later one now, and no edit by hand has put its role there.
func TestWrite_AdoptsALeaseThatWasHidden(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	third := d.viewerAtThirdSite()
	first := d.change(access.OpAcquire, lease("1", d.soc))
	d.dieAt(first, "before the answer")
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.admin)))
	d.dieAt(d.change(access.OpGrant, lease("3", third)), "before the answer")
	d.now = d.now.Add(visibilityDelay)
	d.dieAt(first, "before the answer")
	require.Equal(t, holdings(d.viewer, third, d.soc), d.held())

	second := d.mustWrite(d.change(access.OpRelease, lease("2", d.admin)))
	require.Equal(t, access.Released, second.Proof.Outcome)
	require.Empty(t, second.Proof.Drift)
	require.Equal(t, access.Applied, d.mustWrite(first).Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
	require.Equal(t, holdings(d.viewer, third), d.held())
}

// A release was cut off after its write, which shows the role of an older lease again: another attempt at the
// principal, such as one by the reconciler, does not take that for an edit by hand.
func TestWrite_AdoptsARelease(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	third := d.viewerAtThirdSite()
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc)))
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.admin)))
	d.dieAt(d.change(access.OpGrant, lease("3", third)), "before the answer")
	released := d.change(access.OpRelease, lease("2", d.admin))
	d.dieAt(released, "before the answer")
	require.Equal(t, holdings(d.viewer, third, d.soc), d.held())

	require.Empty(t, d.mustWrite(d.change(access.OpRevoke, lease("4", d.viewer))).Proof.Drift)
	require.Equal(t, access.Released, d.mustWrite(released).Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
	require.Equal(t, holdings(third), d.held())
}

// A write that had to wait for its turn before it was sent may arrive as long after that as any other.
func TestRelease_WaitsForWhatWasSentLate(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	second := d.change(access.OpAcquire, lease("2", d.admin))
	w, recorded := d.principal.attempt(second), d.now
	d.dieAt(second, "before it sent") // recorded, and it waits
	d.now = d.now.Add(visibilityDelay)
	_, err := d.store.Append(t.Context(), d.who.Console, w.entry(w.answerKey(0), ledger.Answer{
		Principal: w.principal, Write: access.Write{At: recorded, Error: "context canceled"},
	}))
	require.NoError(t, err)
	first := d.change(access.OpRelease, lease("1", d.soc))
	require.Equal(t, errMayStillArrive.Error(), d.retriedMessage(first))
	d.now = d.now.Add(visibilityDelay)
	require.Equal(t, access.Released, d.mustWrite(first).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}

// A write that was cut off and sent again arrives after others were proven, and replaces them all: it is no edit by
// hand, so the next change restores what was proven, and nothing stays that has ended.
func TestWrite_RestoresWhatALateWriteReplaced(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.admin)))
	cut := d.change(access.OpGrant, lease("2", d.viewerAtThirdSite()))
	d.dieAt(cut, "before it sent")
	late := d.held()
	late.Held = append(late.Held, entry(d.viewerAtThirdSite()))
	d.mustWrite(cut)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.admin))).Proof.Outcome)
	d.mustWrite(d.change(access.OpGrant, lease("3", d.soc)))
	want := holdings(d.viewer, d.soc, d.viewerAtThirdSite())
	require.Equal(t, want, d.held())

	d.editByHand(late) // as the console would carry it out
	got := d.mustWrite(d.change(access.OpGrant, lease("4", d.viewer)))
	require.Empty(t, got.Proof.Drift)
	require.Equal(t, want, d.held())
}

// The same list is an edit by hand where it was proven, or where the write is too old to arrive.
func TestWrite_EditThatRestoresAnEarlierList(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(d *grantFixture){
		"it was proven": func(d *grantFixture) {
			d.dieAt(d.change(access.OpAcquire, lease("1", d.admin)), "before the answer")
			d.mustWrite(d.change(access.OpAcquire, lease("1", d.admin)))
		},
		"it was sent long ago": func(d *grantFixture) {
			d.dieAt(d.change(access.OpAcquire, lease("1", d.admin)), "before it sent")
			d.mustWrite(d.change(access.OpAcquire, lease("1", d.admin)))
			d.now = d.now.Add(lateWindow)
		},
	} {
		d := newGrantFixture(t, consoletest.Options{})
		do(d)
		d.mustWrite(d.change(access.OpRelease, lease("1", d.admin)))
		d.editByHand(holdings(d.viewer, d.admin))
		d.now = d.now.Add(visibilityDelay)
		got := d.mustWrite(d.change(access.OpGrant, lease("2", d.viewer)))
		require.NotEmpty(t, got.Proof.Drift, name)
		require.Equal(t, holdings(d.viewer, d.admin), d.held(), name)
	}
}

// A console that is slow to show the last write, and shows what an earlier one had sent that was cut off, is waited
// for: nothing is concluded from it.
func TestWrite_SlowConsoleIsNoLateWrite(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	cut := d.change(access.OpGrant, lease("1", d.soc))
	d.dieAt(cut, "before it sent")
	d.mustWrite(cut)
	before := d.held()
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.admin))) // in place of it
	after := d.held()
	d.editByHand(before) // as a slow console would show it
	release := d.change(access.OpRelease, lease("2", d.admin))
	require.Equal(t, errStaleRead.Error(), d.retriedMessage(release))
	d.editByHand(after)
	require.Equal(t, access.Released, d.mustWrite(release).Proof.Outcome)
	require.Equal(t, before, d.held())
}

// Somebody who takes a role away by hand may leave what an earlier write had sent that was cut off: it stays away.
func TestWrite_RemovalByHandIsNoLateWrite(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	cut := d.change(access.OpGrant, lease("1", d.viewerAtThirdSite()))
	d.dieAt(cut, "before it sent")
	d.mustWrite(cut)
	before := d.held()
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.admin)))
	d.now = d.now.Add(visibilityDelay)
	d.editByHand(before)
	require.NotEmpty(t, d.mustWrite(d.change(access.OpGrant, lease("3", d.viewer))).Proof.Drift)
	require.Equal(t, before, d.held())
}
