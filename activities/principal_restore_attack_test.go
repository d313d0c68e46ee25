package activities

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

// lateAfterRelease has a write arrive after the release of lease 1, and so give the role again. It returns what the
// person should hold.
func lateAfterRelease(d *grantFixture) access.Holdings {
	d.t.Helper()
	late := cutOffLease(d)
	third := d.viewerAtThirdSite()
	d.mustWrite(d.change(access.OpGrant, lease("2", third)))
	d.now = d.now.Add(time.Minute)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	d.editByHand(late) // as the console would carry it out
	return holdings(d.viewer, third)
}

// The console refuses the write that restores, for a while: it is sent again until it is taken, and no read counts as
// one that shows a role given by hand.
func TestConfirm_RefusalsAreWaitedOut(t *testing.T) {
	t.Parallel()
	for _, refusal := range []consoletest.FaultKind{
		consoletest.RateLimited, consoletest.Conflict, consoletest.Unauthorized, consoletest.Forbidden,
		consoletest.ServerError,
	} {
		t.Run(string(refusal), func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			want := lateAfterRelease(d)
			const times = access.MaxReappearances + 1
			d.addFault(refusal, http.MethodPut, times)
			for range times {
				_, err := d.readAgain()
				require.Error(t, err)
				require.NotEqual(t, want, d.held())
				d.now = d.now.Add(restorePause)
			}
			_, err := d.readAgain()
			require.ErrorContains(t, err, "arrived late")
			require.Equal(t, want, d.held())
			got, err := d.readAgain()
			require.NoError(t, err)
			require.False(t, got.Shown)
		})
	}
}

// A console that never takes the write is asked until the late write counts as an edit by hand, which is then told.
func TestConfirm_RefusedForGood(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	lateAfterRelease(d)
	d.addFault(consoletest.Forbidden, http.MethodPut, 0)
	_, err := d.readAgain()
	require.Error(t, err)
	d.now = d.now.Add(lateWindow)
	got, err := d.readAgain()
	require.NoError(t, err)
	require.True(t, got.Shown)
	require.NotEmpty(t, got.Drift)
}

// What restores ends access: it does not wait behind others for the console's rate.
func TestConfirm_RestoresWithoutWaitingForTheRate(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	want := lateAfterRelease(d)
	spent, err := console.New(console.Config{
		BaseURL: d.console.URL, Token: console.StaticToken(d.console.Token()),
		Budgets: []console.Budget{{Prefix: "/users", PerSecond: 0.0001, Burst: 1}},
	})
	require.NoError(t, err)
	_, err = spent.Principal(t.Context(), access.User, d.who.ID)
	require.NoError(t, err)
	d.principal.console = spent
	ctx, cancel := context.WithTimeout(d.alone(), time.Minute) // the budget lets nothing through for hours
	defer cancel()
	_, err = d.principal.readAgain(ctx, d.confirmOf(d.who))
	require.ErrorContains(t, err, "arrived late")
	require.Equal(t, want, d.held())
}

func (d *grantFixture) confirmOf(who wire.WriterStart) wire.ConfirmInput {
	return wire.ConfirmInput{
		Writer: who, Key: access.ChangeKey("grant/1#run", access.OpRelease), Request: "grant/1",
		Absent: []access.Holding{d.soc},
	}
}

// A forged read of somebody else confirms nothing, whether they hold the role or are not there.
func TestConfirm_OfSomebodyElse(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	before := d.ledger("grant/1")
	missing, other := d.who, d.add(access.Principal{Kind: access.User, Email: "new.bob@example.com", Name: "New Bob"})
	missing.ID = "999999999999999999"
	for _, who := range []wire.WriterStart{missing, other} {
		_, err := d.principal.readAgain(d.alone(), d.confirmOf(who))
		require.NoError(t, err)
	}
	require.Equal(t, before, d.ledger("grant/1"))
	_, err := d.principal.readAgain(d.alone(), d.confirmOf(d.who))
	require.NoError(t, err)
	require.Equal(t, append(before, ledger.KindConfirmation), d.ledger("grant/1"))
}

// A console that is slow to show what was restored gets no second write, which would undo what somebody edits
// meanwhile.
func TestConfirm_RestoresOnce(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	want := lateAfterRelease(d)
	slow := d.addFault(consoletest.Stale, http.MethodPut, 1)
	puts := d.puts()
	for range 3 {
		_, err := d.readAgain()
		require.ErrorContains(t, err, errNotShown.Error())
		d.now = d.now.Add(restorePause)
	}
	require.Equal(t, puts+1, d.puts())
	d.console.RemoveFault(slow)
	got, err := d.readAgain()
	require.NoError(t, err)
	require.False(t, got.Shown)
	require.Equal(t, want, d.held())
	require.Equal(t, puts+1, d.puts())
}

// What cannot be restored, since the request of what it would give is not signed where that is required, is told.
func TestConfirm_NotRestoredIsTold(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	lateAfterRelease(d)
	_, file := sshtest.People(t, "carol@example.com")
	signers, err := signing.LoadAllowedSigners(file, "")
	require.NoError(t, err)
	d.principal.authority = NewAuthority(d.store, d.client.Console(), signers)
	puts := d.puts()
	got, err := d.principal.readAgain(d.alone(), d.confirmOf(d.who))
	require.NoError(t, err, "%v", fault.KindOf(err))
	require.True(t, got.Shown)
	require.NotEmpty(t, got.Drift)
	require.Equal(t, puts, d.puts())
}
