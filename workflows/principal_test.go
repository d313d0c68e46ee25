package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// Changes are carried out one at a time, in the order in which they came, each on what
// the one before has left; when nothing is leased the writer ends.
func TestPrincipal_OneChangeAtATime(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().After(time.Minute)
	w.confirms()
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", admin, time.Hour)
	var asked []*changeReply
	forGood := changeTo(access.OpGrant, leaseOf("c", viewer, 0))
	for i, in := range []wire.ChangeRequest{acquires(a), acquires(b), forGood} {
		asked = append(asked, w.sendChange(time.Duration(i+1)*time.Second, in))
	}
	var busy wire.PrincipalStatus
	w.at(30*time.Second, func() { busy = w.state() })
	var known wire.PrincipalStatus
	w.at(9*time.Minute, func() { known = w.state() })
	gone := []*changeReply{w.sendChange(10*time.Minute, releases(a)), w.sendChange(20*time.Minute, releases(b))}

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{"a/acquire", "b/acquire", "c/grant", "a/release", "b/release"}, w.written())
	for i, r := range asked {
		require.Equal(t, time.Second+time.Duration(i+1)*time.Minute, r.at, "one after the other")
	}
	require.Equal(t, []access.Outcome{access.Applied, access.Applied, access.AlreadyHeld},
		[]access.Outcome{asked[0].requireOutcome(t), asked[1].requireOutcome(t), asked[2].requireOutcome(t)})
	require.True(t, busy.Busy)
	require.Equal(t, 2, busy.Waiting)
	require.Len(t, known.Leases, 2, "what is known grows")
	require.Equal(t, began.Add(time.Second+time.Minute+time.Hour), known.Leases[0].End)
	require.Equal(t, access.Released, gone[0].requireOutcome(t))
	require.Equal(t, access.Released, gone[1].requireOutcome(t))
	require.True(t, gone[1].answer.Proof.Confirmed)
	require.Equal(t, holds(viewer), w.actual)
	require.Equal(t, began.Add(21*time.Minute+5*time.Second), w.Now().UTC(), "it ends with the last answer")
}

// What ends access goes before what gives it, each kind in its order.
func TestPrincipal_UrgentFirst(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().After(time.Minute)
	w.confirms()
	a, b, c := leaseOf("a", soc, time.Hour), leaseOf("b", admin, time.Hour), leaseOf("c", soc, time.Hour)
	w.sendChange(time.Second, acquires(a))
	w.sendChange(5*time.Minute, releases(a))
	w.sendChange(5*time.Minute+time.Second, acquires(b))
	w.sendChange(5*time.Minute+2*time.Second, acquires(c))
	w.sendChange(5*time.Minute+3*time.Second, changeTo(access.OpRevoke, leaseOf("x", viewer, 0)))
	w.sendChange(5*time.Minute+4*time.Second, changeTo(access.OpReset, leaseOf("y", viewer, 0)))
	w.sendChange(20*time.Minute, releases(b))
	w.sendChange(20*time.Minute, releases(c))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{
		"a/acquire", "a/release", "x/revoke", "y/reset", "b/acquire", "c/acquire", "b/release", "c/release",
	}, w.written())
}

// An acquisition that is under way is preempted by a release, which learns of it, and
// done afterwards.
func TestPrincipal_StopsWhatGivesForWhatEnds(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", viewer, time.Hour)
	stuck := w.on(wire.WriteActivity, mock.MatchedBy(func(in wire.WriteInput) bool {
		return in.Change.Key == "b/acquire"
	})).Return(wire.WriteResult{}, errDown).After(time.Hour).Once()
	w.carriesOut()
	w.confirms()
	w.sendChange(time.Second, acquires(a))
	given := w.sendChange(time.Minute, acquires(b))
	gone := w.sendChange(2*time.Minute, releases(a))
	w.sendChange(90*time.Minute, releases(b))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.NotNil(t, stuck)
	require.Equal(t, []string{"a/acquire", "a/release", "b/acquire", "b/release"}, w.written())
	require.Equal(t, access.Released, gone.requireOutcome(t))
	require.Equal(t, 2*time.Minute+5*time.Second, gone.at, "it waited for nothing but its second look")
	require.Equal(t, access.AlreadyHeld, given.requireOutcome(t))
	require.Equal(t, 2*time.Minute, given.at)
	require.Equal(t, []wire.ChangeRequest{acquires(b)}, w.writes[1].Preempted)
	require.Empty(t, w.writes[3].Preempted, "it has come to an end since")
}

// A lease that is released while it is being acquired is not acquired.
func TestPrincipal_ReleaseOfWhatIsBeingAcquired(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]access.Op{"timed": access.OpAcquire, "permanent": access.OpGrant} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t)
			a := leaseOf("a", soc, time.Hour)
			w.on(wire.WriteActivity, change(access.ChangeKey(a.ID, op))).
				Return(wire.WriteResult{}, errDown).After(time.Hour).Once()
			w.carriesOut()
			given := w.sendChange(time.Second, changeTo(op, a))
			gone := w.sendChange(time.Minute, releases(a))

			w.run()

			require.NoError(t, w.GetWorkflowError())
			require.Equal(t, access.NotApplied, given.requireOutcome(t))
			require.NotNil(t, given.answer.Proof.Reads)
			require.Equal(t, access.NotApplied, gone.requireOutcome(t))
			require.Equal(t, []string{"a/release"}, w.written())
			require.Equal(t, []wire.ChangeRequest{changeTo(op, a)}, w.writes[0].Preempted)
		})
	}
}

// One that was released before it was asked for is not acquired either.
func TestPrincipal_ReleasedBeforeItCame(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", viewer, time.Hour)
	w.sendChange(time.Second, acquires(b))
	w.sendChange(2*time.Second, releases(a))
	late := w.sendChange(3*time.Second, acquires(a))
	w.sendChange(4*time.Second, releases(b))
	w.run()
	require.Equal(t, access.NotApplied, late.requireOutcome(t))
	require.Equal(t, []string{"b/acquire", "a/release", "b/release"}, w.written())
}

// What the console finally refuses is the answer, under its own type; the writer goes
// on, and ends where nothing is leased.
func TestPrincipal_FinalError(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.on(wire.WriteActivity, mock.Anything).
		Return(failing[wire.WriteInput, wire.WriteResult](forbidden())).Once()
	r := w.sendChange(time.Second, acquires(leaseOf("a", soc, time.Hour)))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	var app *temporal.ApplicationError
	require.ErrorAs(t, r.err, &app)
	require.Same(t, app, r.err, "outermost")
	require.Equal(t, string(kinds.Forbidden), app.Type())
	require.True(t, app.NonRetryable())
	require.Empty(t, w.state().Leases)
}

// Asked twice for a lease, it gives the first answer, and the end stays.
func TestPrincipal_AcquiredTwice(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	a := leaseOf("a", soc, time.Hour)
	first, second := w.sendChange(time.Second, acquires(a)), w.sendChange(time.Minute, acquires(a))
	w.at(2*time.Minute, func() {
		require.Equal(t, began.Add(time.Second+time.Hour), w.state().Leases[0].End)
	})
	w.sendChange(3*time.Minute, releases(a))
	w.run()
	require.Equal(t, access.Applied, first.requireOutcome(t))
	require.Equal(t, first.answer, second.answer)
	require.Equal(t, []string{"a/acquire", "a/release"}, w.written())
}

// A lease that its grant does not release is released a quarter of an hour after its end, in the
// name of its grant.
func TestPrincipal_ReleasesWhatNobodyComesFor(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", viewer, 2*time.Hour)
	w.sendChange(time.Second, acquires(a))
	w.sendChange(time.Second, acquires(b))
	var held []access.Holdings
	for _, d := range []time.Duration{60*time.Minute + 50*time.Second, 62 * time.Minute} {
		w.at(d, func() { held = append(held, w.actual) })
	}
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{"a/acquire", "b/acquire", "a/release", "b/release"}, w.written())
	require.Equal(t, releases(a).Request, w.writes[2].Change.Request)
	require.Equal(t, []access.Holdings{holds(viewer, soc), holds(viewer)}, held)
	require.Equal(t, began.Add(time.Second+2*time.Hour+time.Minute), w.Now().UTC())
}

// A grant that comes after that still gets its answer.
func TestPrincipal_ComesAfterTheSafetyNet(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", viewer, 3*time.Hour)
	w.sendChange(time.Second, acquires(a))
	w.sendChange(time.Second, acquires(b))
	late := w.sendChange(2*time.Hour, releases(a))
	w.sendChange(2*time.Hour+time.Minute, releases(b))
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, access.NotApplied, late.requireOutcome(t),
		"what the activity says to a key it knows is tested there")
}

// Extending a lease moves what the safety net waits for, also while something else is
// being written: that was planned before.
func TestPrincipal_ExtendMovesTheSafetyNet(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]time.Duration{
		"at rest": 30 * time.Minute, "amid a write": 40*time.Minute + 30*time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t)
			w.carriesOut().After(time.Minute)
			w.confirms()
			a := leaseOf("a", soc, time.Hour)
			first := w.sendChange(time.Second, acquires(a))
			w.sendChange(40*time.Minute, changeTo(access.OpGrant, leaseOf("c", viewer, 0)))
			moved := w.sendChange(d, extends(a, began.Add(5*time.Hour)))
			w.run()
			require.Equal(t, first.answer, moved.answer)
			require.Equal(t, d, moved.at, "at once")
			require.Equal(t, []string{"a/acquire", "c/grant", "a/release"}, w.written())
			require.Equal(t, began.Add(5*time.Hour+time.Minute+time.Minute+5*time.Second), w.Now().UTC())
		})
	}
}

// The absence is read a second time after a pause; an old answer is read over.
func TestPrincipal_ConfirmsAnAbsence(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]int{"absent": 0, "an old answer": 1, "two old answers": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t)
			w.carriesOut()
			for range again {
				w.nextReadShows(holds(viewer, soc), "someone gave it")
			}
			w.nextReadShows(holds(viewer))
			a := leaseOf("a", soc, time.Hour)
			w.sendChange(time.Second, acquires(a))
			r := w.sendChange(time.Minute, releases(a))
			w.run()
			require.Equal(t, access.Released, r.requireOutcome(t))
			require.True(t, r.answer.Proof.Confirmed)
			require.Len(t, r.answer.Proof.Reads, 2+again)
			require.Empty(t, r.answer.Proof.Drift)
			require.Equal(t, time.Minute+time.Duration(again+1)*5*time.Second, r.at)
		})
	}
}

func TestPrincipal_ShownAgainByHand(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	for range 3 {
		w.nextReadShows(holds(viewer, soc), "someone gave it")
	}
	a := leaseOf("a", soc, time.Hour)
	w.sendChange(time.Second, acquires(a))
	r := w.sendChange(time.Minute, releases(a))
	w.run()
	require.Equal(t, access.Superseded, r.requireOutcome(t))
	require.False(t, r.answer.Proof.Confirmed)
	require.Len(t, r.answer.Proof.Reads, 4)
	require.Equal(t, []string{"someone gave it"}, r.answer.Proof.Drift)
}

func TestPrincipal_HeldAgainByALaterLease(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", soc, time.Hour)
	w.sendChange(time.Second, acquires(a))
	r := w.sendChange(time.Minute, releases(a))
	w.sendChange(time.Minute+2*time.Second, acquires(b))
	w.sendChange(10*time.Minute, releases(b))
	w.run()
	require.Equal(t, access.StillHeld, r.requireOutcome(t))
	require.Equal(t, time.Minute+5*time.Second, r.at)
}

func TestPrincipal_CancelDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().After(time.Minute)
	w.confirms()
	a := leaseOf("a", soc, time.Hour)
	given := w.sendChange(time.Second, acquires(a))
	for _, d := range []time.Duration{30 * time.Second, 10 * time.Minute, 20*time.Minute + 30*time.Second} {
		w.at(d, w.CancelWorkflow)
	}
	gone := w.sendChange(20*time.Minute, releases(a))
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, access.Applied, given.requireOutcome(t))
	require.Equal(t, access.Released, gone.requireOutcome(t))
}

// When the history is long enough the writer continues as new with all it knows, once
// nothing is under way; requests that come meanwhile are told to retry.
func TestPrincipal_ContinuesAsNew(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().After(time.Minute)
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", viewer, time.Hour)
	w.sendChange(time.Second, acquires(a))
	w.sendChange(10*time.Minute, acquires(b))
	w.at(10*time.Minute+10*time.Second, func() { w.SetContinueAsNewSuggested(true) })
	early := w.sendChange(10*time.Minute+20*time.Second, releases(a))

	w.run()

	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	require.Equal(t, wire.PrincipalType, again.WorkflowType.Name)
	var next wire.PrincipalInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Equal(t, whose, next.WriterStart)
	require.Equal(t, w.state().Leases, next.Ownership.Leases)
	require.Len(t, next.Ownership.Leases, 2)
	require.Equal(t, began.Add(time.Second+time.Minute+time.Hour), next.Ownership.Leases[0].End)
	require.Empty(t, next.Ownership.Baseline.Held, "the ledger has the roles")
	require.Len(t, next.Holders, 2)
	require.Equal(t, "grant/a", next.Holders[0].Request)

	var app *temporal.ApplicationError
	require.ErrorAs(t, early.rejected, &app)
	require.Equal(t, string(kinds.Unavailable), app.Type())
	require.False(t, app.NonRetryable(), "it is asked again")

	v := newWriter(t)
	v.actual, v.known = w.actual, w.known
	v.carriesOut()
	v.confirms()
	moved := v.sendChange(time.Second, extends(a, began.Add(3*time.Hour)))
	gone := v.sendChange(3*time.Hour, releases(b))
	v.resume(next)
	require.NoError(t, v.GetWorkflowError())
	require.Equal(t, next.Holders[0].Answer, moved.answer)
	require.Equal(t, access.NotApplied, gone.requireOutcome(t), "the safety net was there before it")
	require.Equal(t, []string{"b/release", "b/release", "a/release"}, v.written())
	require.Equal(t, holds(viewer), v.actual)
}

// A writer that was started waits for its first change, however long that takes.
func TestPrincipal_WaitsForItsFirstChange(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.at(time.Minute, func() { require.False(t, w.state().Busy) })
	r := w.sendChange(time.Hour, changeTo(access.OpGrant, leaseOf("c", soc, 0)))
	w.run()
	require.Equal(t, access.Applied, r.requireOutcome(t))
	require.Equal(t, began.Add(time.Hour), w.Now().UTC())
}

// A change that was carried out before, by a writer that knew other things, teaches this
// one nothing but whose the lease is.
func TestPrincipal_Recalled(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	a := leaseOf("a", soc, time.Hour)
	w.on(wire.WriteActivity, change("a/acquire")).
		Return(func(context.Context, wire.WriteInput) (wire.WriteResult, error) {
			return wire.WriteResult{
				Recalled: true, From: "other", Next: access.OwnershipState{Known: true, Proven: holds(admin)},
				Proof: access.Proof{
					Op: access.OpAcquire, Outcome: access.Applied, Before: holds(viewer), After: holds(viewer, soc),
				},
			}, nil
		}).Once()
	w.actual = holds(viewer, soc)
	w.known = access.OwnershipState{
		Known: true, Baseline: holds(viewer), Proven: w.actual, Leases: []access.Lease{a},
	}
	w.carriesOut()
	w.confirms()
	given := w.sendChange(time.Second, acquires(a))
	gone := w.sendChange(time.Minute, releases(a))
	w.run()
	require.Equal(t, access.Applied, given.requireOutcome(t))
	require.Equal(t, access.Released, gone.requireOutcome(t))
	require.Equal(t, holds(viewer), w.actual)
}
