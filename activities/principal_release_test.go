package activities

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

func TestPause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attempt int32
		waited  time.Duration
		want    time.Duration
	}{
		{1, 0, 2 * time.Second},
		{2, 2 * time.Second, 4 * time.Second},
		{3, 6 * time.Second, 8 * time.Second},
		{4, 14 * time.Second, 16 * time.Second},
		{5, 30 * time.Second, 30 * time.Second},
		{24, 10*time.Minute - time.Second, 30 * time.Second},
		{25, 10 * time.Minute, 5 * time.Minute},
		{1, 10 * time.Minute, 5 * time.Minute},
		{100_000, 365 * 24 * time.Hour, 5 * time.Minute},
		{100_000, time.Minute, 30 * time.Second},
	} {
		require.Equal(t, c.want, retryPause(c.attempt, c.waited), "%+v", c)
	}
}

// A release never fails permanently, whatever the console answers: it says why it waits,
// and when it is tried again, and it is counted.
func TestRelease_NeverFailsForGood(t *testing.T) {
	t.Parallel()
	for _, kind := range []consoletest.FaultKind{
		consoletest.Unauthorized, consoletest.Forbidden, consoletest.NotFound, consoletest.Conflict,
		consoletest.ServerError, consoletest.CutBefore, consoletest.RateLimited,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			if method == http.MethodGet && (kind == consoletest.NotFound || kind == consoletest.Conflict) {
				continue // no console says the latter; of the former see TestRelease_GoneIsSaidTwice
			}
			t.Run(fmt.Sprintf("%s of %s", kind, method), func(t *testing.T) {
				t.Parallel()
				d := newGrantFixture(t, consoletest.Options{})
				leasedState(d)
				in := d.change(access.OpRelease, lease("1", d.soc))
				id := d.addFault(kind, method, 0)
				want := map[int32]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 9: 30 * time.Second}
				for attempt, next := range want {
					d.attempt = attempt
					text := d.retriedMessage(in)
					list := d.waitOf("grant/1")
					require.Len(t, list, 1)
					w := list[0]
					require.Equal(t, text, w.Text)
					require.Equal(t, int(attempt), w.Attempt)
					require.Equal(t, d.now.Add(next), *w.NextTry)
					require.Equal(t, d.scheduled, w.Since)
					require.Equal(t, "release", w.Step)
					require.True(t, w.Release)
					require.Equal(t, !finalOf(kind).Final(), w.Temporary)
				}
				d.now, d.attempt = d.now.Add(quickFor), 30
				d.retriedMessage(in)
				require.Equal(t, d.now.Add(slowPause), *d.waitOf("grant/1")[0].NextTry)
				require.Equal(t, int64(4), d.counted[ReleaseFailuresMetric])
				require.Equal(t, holdings(d.viewer, d.soc), d.held())

				d.console.RemoveFault(id)
				require.Equal(t, access.Released, d.mustWrite(in).Proof.Outcome)
				require.Equal(t, holdings(d.viewer), d.held())
				require.Empty(t, d.waitOf("grant/1"))
			})
		}
	}
}

// finalOf is the kind of error that a fault comes to.
func finalOf(f consoletest.FaultKind) kinds.Kind {
	switch f {
	case consoletest.Unauthorized:
		return kinds.Unauthenticated
	case consoletest.Forbidden:
		return kinds.Forbidden
	case consoletest.NotFound:
		return kinds.NotFound
	default: // a few collisions are tried again
		return kinds.Unavailable
	}
}

// A console that says once that somebody is gone, and lists them, is not believed.
func TestRelease_GoneIsSaidTwice(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	in := d.change(access.OpRelease, lease("1", d.soc))
	d.addFault(consoletest.NotFound, http.MethodGet, 0)
	require.Equal(t, access.Released, d.mustWrite(in).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}

// A console that asks to wait longer is obeyed.
func TestRelease_RetryAfter(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	in := d.change(access.OpRelease, lease("1", d.soc))
	d.console.AddFault(consoletest.Fault{Name: consoletest.RateLimited, Path: "/users", RetryAfter: 90 * time.Second})
	_, err := d.write(in)
	require.Equal(t, 90*time.Second, attempttest.ApplicationError(t, err).NextRetryDelay())
	require.Equal(t, string(kinds.RateLimited), attempttest.ApplicationError(t, err).Type())
	require.Equal(t, d.now.Add(90*time.Second), *d.waitOf("grant/1")[0].NextTry)
}

// Somebody has removed by hand what the principal would go back to. The last role is not taken:
// the release waits until there is another one, and people are told at once what to do.
func TestRelease_LastRole(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	in := d.change(access.OpRelease, lease("1", d.soc))
	d.editByHand(holdings(d.soc))
	require.Contains(t, d.retriedMessage(in), "it is the principal's last role")
	require.Contains(t, d.retriedMessage(in), "`starter grant`")
	require.False(t, d.waitOf("grant/1")[0].Temporary)
	require.Equal(t, holdings(d.soc), d.held())
	d.editByHand(holdings(d.viewer, d.soc))
	require.Equal(t, access.Released, d.mustWrite(in).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}

// What has failed before lets a release go first, until that has had its turn; what
// nobody stands behind is not waited for.
func TestWrite_YieldsToAWaitingRelease(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	release := d.change(access.OpRelease, lease("1", d.soc))
	acquire := d.change(access.OpAcquire, lease("2", d.admin))
	down := d.addFault(consoletest.ServerError, "", 0)
	d.retriedMessage(release)
	d.now = d.now.Add(time.Second)
	d.retriedMessage(acquire)
	d.now = d.now.Add(time.Second)
	d.console.RemoveFault(down)
	asked := d.console.RequestCount()
	d.attempt = 2
	require.Contains(t, d.retriedMessage(acquire), "a release of access goes first: grant/1")
	require.Equal(t, asked, d.console.RequestCount())

	d.now = d.now.Add(time.Second)
	down = d.addFault(consoletest.ServerError, "", 0)
	d.retriedMessage(release) // it has had its turn
	d.console.RemoveFault(down)
	d.now = d.now.Add(time.Second)
	require.Equal(t, access.Applied, d.mustWrite(acquire).Proof.Outcome, "and it is not waited for for ever")
}

func TestWrite_DoesNotYield(t *testing.T) {
	t.Parallel()
	long := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	past := long.Add(-time.Hour)
	for name, c := range map[string]struct {
		wait    store.Wait
		attempt int32
	}{
		"at its first attempt":           {store.Wait{Release: true, Temporary: true, NextTry: new(long)}, 1},
		"to what gives":                  {store.Wait{Temporary: true, NextTry: new(long)}, 2},
		"to what waits for a person":     {store.Wait{Release: true, NextTry: new(long)}, 2},
		"to what nobody stands behind":   {store.Wait{Release: true, Temporary: true, NextTry: new(past)}, 2},
		"to what is not known to return": {store.Wait{Release: true, Temporary: true}, 2},
	} {
		d := newGrantFixture(t, consoletest.Options{})
		in := d.change(access.OpAcquire, lease("1", d.soc))
		down := d.addFault(consoletest.ServerError, "", 0)
		d.retriedMessage(in)
		d.console.RemoveFault(down)
		c.wait.Console, c.wait.Request, c.wait.Step = d.who.Console, "grant/9", "release"
		c.wait.At = d.now.Add(-time.Minute)
		require.NoError(t, d.store.NoteWait(t.Context(), c.wait), name)
		d.attempt = c.attempt
		require.Equal(t, access.Applied, d.mustWrite(in).Proof.Outcome, name)
	}
}

// A writer that does not know a lease, since the one that gave it was lost, is told what
// it was by the grant, and undoes that alone.
func TestRelease_OfALeaseTheWriterDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]func(d *grantFixture) access.OwnershipState{
		"it knows nothing": unknownState,
		"it has seen the principal since": func(d *grantFixture) access.OwnershipState {
			third := d.viewerAtThirdSite()
			got := d.mustWrite(d.change(access.OpAcquire, lease("2", third)))
			require.False(t, got.Next.Baseline.Holds(d.soc), "the ledger knows whose the role is")
			return d.mustWrite(d.change(access.OpRelease, lease("2", third))).Next
		},
	} {
		d := newGrantFixture(t, consoletest.Options{})
		given := d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc))).Proof
		d.now = d.now.Add(time.Hour)
		learn(d)
		in := d.change(access.OpRelease, lease("1", d.soc))
		in.Change.GrantProof = &given
		got := d.mustWrite(in)
		require.Equal(t, access.Released, got.Proof.Outcome, name)
		require.Equal(t, holdings(d.viewer), d.held(), name)
	}
}

// What was given and changed by hand since stands, and is not called not given.
func TestRelease_GivenAndChangedSince(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	given := d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc))).Proof
	d.now = d.now.Add(time.Hour)
	d.editByHand(holdings(d.viewer, d.admin))
	d.mustWrite(d.change(access.OpGrant, lease("2", d.viewer)))
	for range 2 {
		in := d.change(access.OpRelease, lease("1", d.soc))
		in.Change.GrantProof = &given
		got := d.mustWrite(in)
		require.Equal(t, access.Superseded, got.Proof.Outcome)
		require.Equal(t, holdings(d.viewer, d.admin), d.held())
	}
}

// A grant that was cancelled during its acquisition, so that nobody knows what came of
// it: the ledger knows what was sent.
func TestRelease_OfWhatWasCalledOff(t *testing.T) {
	t.Parallel()
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		d := newGrantFixture(t, consoletest.Options{})
		d.editByHand(holdings(d.viewer, d.admin))
		d.dieAt(d.change(op, lease("1", d.soc)), "before the answer")
		require.Equal(t, holdings(d.viewer, d.soc), d.held())
		got := d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
		require.Equal(t, access.Released, got.Proof.Outcome, op)
		require.Equal(t, holdings(d.viewer, d.admin), d.held(), "what it had taken the place of is back")

		late := d.mustWrite(d.change(op, lease("1", d.soc)))
		require.Equal(t, access.NotApplied, late.Proof.Outcome, "an attempt that comes late gives nothing")
		require.Equal(t, holdings(d.viewer, d.admin), d.held())
	}
}

// What was sent and is not there may still come; only then is it sure that nothing is.
func TestRelease_OfWhatMayStillArrive(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.dieAt(d.change(access.OpAcquire, lease("1", d.soc)), "before it sent")
	in := d.change(access.OpRelease, lease("1", d.soc))
	require.Equal(t, errMayStillArrive.Error(), d.retriedMessage(in))
	d.now = d.now.Add(visibilityDelay)
	require.Equal(t, access.NotApplied, d.mustWrite(in).Proof.Outcome)
	require.Zero(t, d.puts())

	d.addFault(consoletest.Forbidden, http.MethodPut, 1)
	_, err := d.write(d.change(access.OpAcquire, lease("2", d.soc)))
	require.Equal(t, string(kinds.Forbidden), attempttest.ApplicationError(t, err).Type())
	got := d.mustWrite(d.change(access.OpRelease, lease("2", d.soc)))
	require.Equal(t, access.NotApplied, got.Proof.Outcome, "what was refused cannot come")
}

// An acquisition that was stopped for a release has reached the console: its role is not
// taken for somebody else's, nor is what the ended lease held restored by it.
func TestRelease_WhileAnotherChangeWasStopped(t *testing.T) {
	t.Parallel()
	for name, wanted := range map[string]func(*grantFixture) access.Holding{
		"another role at the same scope": func(d *grantFixture) access.Holding { return d.admin },
		"another scope":                  func(d *grantFixture) access.Holding { return d.viewerAtThirdSite() },
		"the same role":                  func(d *grantFixture) access.Holding { return d.soc },
	} {
		for _, point := range []string{"before the answer", "before the proof"} {
			t.Run(name+", "+point, func(t *testing.T) {
				t.Parallel()
				d := newGrantFixture(t, consoletest.Options{})
				h := wanted(d)
				leasedState(d)
				second := d.change(access.OpAcquire, lease("2", h))
				if h != d.soc { // then there is nothing to send
					d.dieAt(second, point)
				}
				first := d.change(access.OpRelease, lease("1", d.soc))
				first.Preempted = []wire.ChangeRequest{second.Change}
				gone := d.mustWrite(first)
				require.Equal(t, access.Released, gone.Proof.Outcome)
				require.Empty(t, gone.Proof.Drift, "nobody has changed anything by hand")

				second.Preempted = first.Preempted
				got := d.mustWrite(second)
				require.Equal(t, access.Applied, got.Proof.Outcome)
				require.Equal(t, holdings(d.viewer, h), d.held())
				require.Len(t, got.Next.Leases, 1)
				require.Equal(t, holdings(d.viewer), got.Next.Baseline)

				end := d.mustWrite(d.change(access.OpRelease, lease("2", h)))
				require.Equal(t, access.Released, end.Proof.Outcome)
				require.Equal(t, holdings(d.viewer), d.held())
				require.Empty(t, end.Next.Leases)
			})
		}
	}
}

// Without word of the stopped change, as from a writer that is gone, the ledger knows it:
// the release takes its role for its own, and its next attempt knows what that has left.
func TestWrite_ArrivedBeforeARelease(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	second := d.change(access.OpAcquire, lease("2", d.admin))
	d.dieAt(second, "before the answer")
	d.now = d.now.Add(time.Minute)
	gone := d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	require.Equal(t, access.Released, gone.Proof.Outcome)
	require.Empty(t, gone.Proof.Drift)
	got := d.mustWrite(second)
	require.Equal(t, access.Applied, got.Proof.Outcome)
	require.Len(t, got.Next.Leases, 1, "the lease that has ended is not back")
}

// What was stopped and is not there yet may still come, with a list that still has what
// must be released.
func TestRelease_WaitsForWhatWasStopped(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	second := d.change(access.OpAcquire, lease("2", d.admin))
	d.dieAt(second, "before it sent")
	first := d.change(access.OpRelease, lease("1", d.soc))
	first.Preempted = []wire.ChangeRequest{second.Change}
	require.Equal(t, errMayStillArrive.Error(), d.retriedMessage(first))
	d.now = d.now.Add(visibilityDelay)
	require.Equal(t, access.Released, d.mustWrite(first).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}

// Writes that are cut off again and again hold a release up for a minute in all, not for half a minute each.
func TestRelease_WaitsForAMinuteInAll(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	second := d.change(access.OpAcquire, lease("2", d.admin))
	first := d.change(access.OpRelease, lease("1", d.soc))
	due := d.now
	release := func() (wire.WriteResult, error) {
		return d.principal.write(attempt.Outside(t.Context(), attempt.Runtime{
			Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)), Metrics: client.MetricsNopHandler,
			Number: 1, Since: due,
		}), first, nil)
	}
	for d.now.Sub(due) < mostArrivalWait {
		d.dieAt(second, "before it sent")
		_, err := release()
		require.ErrorContains(t, err, errMayStillArrive.Error())
		d.now = d.now.Add(visibilityDelay / 2)
	}
	d.dieAt(second, "before it sent")
	got, err := release()
	require.NoError(t, err)
	require.Equal(t, access.Released, got.Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}

// A lease that ends amid its acquisition waits for nothing more.
func TestRelease_ForgetsWhyTheAcquisitionWaited(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	acquire := d.change(access.OpAcquire, lease("1", d.soc))
	id := d.addFault(consoletest.ServerError, http.MethodGet, 0)
	d.retriedMessage(acquire)
	d.console.RemoveFault(id)
	require.Len(t, d.waitOf("grant/1"), 1)
	in := d.change(access.OpRelease, lease("1", d.soc))
	in.Preempted = []wire.ChangeRequest{acquire.Change}
	require.Equal(t, access.NotApplied, d.mustWrite(in).Proof.Outcome)
	require.Empty(t, d.waitOf("grant/1"))
}

// A role of the baseline was deleted while a lease stood in its place: the rest is given
// back, and the evidence says so.
func TestRelease_RoleOfTheBaselineIsGone(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	custom, err := d.console.AddRole(access.Role{Name: "For a while"})
	require.NoError(t, err)
	old := access.Holding{Level: access.SiteLevel, RoleID: custom, ScopeID: d.soc.ScopeID}
	d.editByHand(holdings(d.viewer, old))
	leasedState(d)
	in := d.change(access.OpRelease, lease("1", d.soc))
	require.NoError(t, d.console.RemoveRole(custom, d.admin.RoleID))
	d.console.ResetRequests()
	got := d.mustWrite(in)
	require.Equal(t, access.Released, got.Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
	require.Equal(t, holdings(d.viewer), got.Next.Baseline)
	require.Equal(t, 2, d.puts(), "once with it, once without")
	require.Len(t, got.Proof.Writes, 2)
	require.Equal(t, http.StatusBadRequest, got.Proof.Writes[0].Status)
	require.Equal(t, []string{
		"role " + custom + " was deleted from the console: it is not restored at site " + d.soc.ScopeID,
	}, got.Proof.Drift)
	require.Equal(t, got.Proof.Writes, d.mustWrite(in).Proof.Writes)
	require.Equal(t, 2, d.puts())
}

// If that was all there was, it is the last role, and the policy's rule for that applies:
// never one that comes with the change.
func TestRelease_OnlyRoleOfTheBaselineIsGone(t *testing.T) {
	t.Parallel()
	for name, byPolicy := range map[string]bool{"stop": false, "downgrade": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			down := access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: &d.viewer}
			if byPolicy {
				d.planAs = func(p *access.Plan) { p.Rules = down }
			}
			custom, err := d.console.AddRole(access.Role{Name: "For a while"})
			require.NoError(t, err)
			d.editByHand(holdings(access.Holding{Level: access.SiteLevel, RoleID: custom, ScopeID: d.soc.ScopeID}))
			leasedState(d)
			require.NoError(t, d.console.RemoveRole(custom, d.admin.RoleID))
			in := d.change(access.OpRelease, lease("1", d.soc))
			in.Change.Change.Rules = down
			if !byPolicy {
				require.Contains(t, d.retriedMessage(in), "it is the principal's last role")
				require.Equal(t, holdings(d.soc), d.held())
				return
			}
			require.Equal(t, access.Released, d.mustWrite(in).Proof.Outcome)
			require.Equal(t, holdings(d.viewer), d.held())
		})
	}
}

// A list that is refused for another reason is not cut.
func TestRelease_RefusedAndNoRoleIsGone(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	known := leasedState(d)
	known.Baseline.Held = append(known.Baseline.Held, access.HeldRole{
		RoleID: d.admin.RoleID, ScopeID: "999999999999999999",
	})
	d.proven(known)
	require.Contains(t, d.retriedMessage(d.change(access.OpRelease, lease("1", d.soc))), "400")
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
	require.Equal(t, []access.Holdings{holdings(d.viewer, d.soc)}, d.changes())
}

// An acquisition is not cut: people ask for what is there.
func TestAcquire_RefusedIsFinal(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	gone := access.Holding{Level: access.SiteLevel, RoleID: "999999999999999999", ScopeID: d.soc.ScopeID}
	_, err := d.write(d.change(access.OpAcquire, lease("1", gone)))
	require.Equal(t, string(kinds.Invalid), attempttest.ApplicationError(t, err).Type())
	require.Equal(t, 1, d.puts())
}
