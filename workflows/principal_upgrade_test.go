package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// The names of the changes are in histories, and are spelled here a second time on purpose.
const (
	writersUpgrade      = "writers-upgrade"
	overdueAfterAMinute = "overdue-after-a-minute"
	writersAskOnce      = "writers-ask-once"
)

// beganBefore has the run answer as one that began before it knew these changes, and with all others.
func (w *writerEnv) beganBefore(changes ...string) {
	for _, change := range changes {
		w.OnGetVersion(change, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	}
	w.OnGetVersion(mock.Anything, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.Version(1)).Maybe()
}

// timers are those that the run starts.
func (w *writerEnv) timers() *[]time.Duration {
	var timers []time.Duration
	w.SetOnTimerScheduledListener(func(_ string, d time.Duration) { timers = append(timers, d) })
	return &timers
}

// upgradesTo is what the writer continues as new with, which it must.
func (w *writerEnv) upgradesTo() (wire.PrincipalInput, workflow.ContinueAsNewVersioningBehavior) {
	w.t.Helper()
	var again *workflow.ContinueAsNewError
	require.ErrorAs(w.t, w.GetWorkflowError(), &again)
	require.Equal(w.t, wire.PrincipalType, again.WorkflowType.Name)
	var next wire.PrincipalInput
	require.NoError(w.t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	return next, again.InitialVersioningBehavior
}

// A quiet writer wakes within six hours of a deploy, and moves to the new build with all it
// knows. There the lease ends as if nothing had happened.
func TestPrincipal_MovesToANewBuildWhileQuiet(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	a := leaseOf("a", soc, 365*24*time.Hour)
	given := w.sendChange(time.Second, acquires(a))
	deployed := began.Add(35 * time.Hour)
	w.SetOnTimerFiredListener(func(string) { // Temporal says so with a workflow task only
		w.SetTargetWorkerDeploymentVersionChanged(w.Now().After(deployed))
	})

	w.run()

	require.Equal(t, access.Applied, given.requireOutcome(t))
	require.Equal(t, began.Add(36*time.Hour), w.Now().UTC(), "the sixth time it wakes")
	next, behavior := w.upgradesTo()
	require.EqualValues(t, workflow.ContinueAsNewVersioningBehaviorAutoUpgrade, behavior)
	require.Equal(t, whose, next.WriterStart)
	require.Equal(t, w.state().Leases, next.Ownership.Leases)
	require.Equal(t, w.state().Holders, next.Holders)

	v := newWriter(t)
	v.actual, v.known = w.actual, w.known
	v.carriesOut()
	v.confirms()
	gone := v.sendChange(time.Hour, releases(a))
	v.resume(next)
	require.NoError(t, v.GetWorkflowError())
	require.Equal(t, access.Released, gone.requireOutcome(t))
	require.Equal(t, holds(viewer), v.actual)
}

// A writer that is told of a new build amid a change finishes it first, also the look that
// proves an absence.
func TestPrincipal_MovesOnceNothingIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().After(time.Minute)
	w.confirms()
	a, b := leaseOf("a", soc, time.Hour), leaseOf("b", viewer, time.Hour)
	w.sendChange(time.Second, acquires(a))
	w.sendChange(10*time.Minute, acquires(b))
	gone := w.sendChange(20*time.Minute, releases(a))
	w.at(20*time.Minute+30*time.Second, func() { w.SetTargetWorkerDeploymentVersionChanged(true) })

	w.run()

	require.Equal(t, access.Released, gone.requireOutcome(t))
	require.True(t, gone.answer.Proof.Confirmed)
	require.Equal(t, 21*time.Minute+5*time.Second, gone.at)
	require.Equal(t, began.Add(gone.at), w.Now().UTC(), "it moves at once then")
	next, _ := w.upgradesTo()
	require.Len(t, next.Ownership.Leases, 1)
	require.Equal(t, b.ID, next.Ownership.Leases[0].ID)
}

// While there is no other build, waking changes nothing: the lease that nobody comes for is
// released at its time.
func TestPrincipal_WakesForNothing(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	timers := w.timers()
	w.sendChange(time.Second, acquires(leaseOf("a", soc, 13*time.Hour)))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{"a/acquire", "a/release"}, w.written())
	require.Equal(t, began.Add(time.Second+13*time.Hour+time.Minute+5*time.Second), w.Now().UTC())
	require.Equal(t, []time.Duration{
		6 * time.Hour, 6*time.Hour - time.Second, 6 * time.Hour, time.Hour + time.Minute + time.Second,
	}, (*timers)[:4], "the second replaces the first once there is a lease")
}

// A long history is no reason to change builds: only a new build is.
func TestPrincipal_StaysOnItsBuildWithoutANewOne(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.sendChange(time.Second, acquires(leaseOf("a", soc, 30*time.Hour)))
	w.at(time.Minute, func() { w.SetContinueAsNewSuggested(true) })
	w.run()
	_, behavior := w.upgradesTo()
	require.EqualValues(t, workflow.ContinueAsNewVersioningBehaviorUnspecified, behavior)
}

// The old branch: a writer that was started before writers moved never wakes for it, and goes
// on as its history says, whatever Temporal tells it. It releases fifteen minutes after an end.
func TestPrincipal_StartedBeforeWritersMoved(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.beganBefore(writersAskOnce, writersUpgrade, overdueAfterAMinute)
	w.carriesOut()
	w.confirms()
	w.SetTargetWorkerDeploymentVersionChanged(true)
	timers := w.timers()
	w.sendChange(time.Second, acquires(leaseOf("a", soc, 13*time.Hour)))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{"a/acquire", "a/release"}, w.written())
	require.Equal(t, []time.Duration{13*time.Hour + 15*time.Minute, 5 * time.Second}, *timers)
}

// The old branch: a writer that began before it asked once looks after a new build from its start
// on, also while nothing is leased.
func TestPrincipal_StartedBeforeItAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.beganBefore(writersAskOnce)
	w.carriesOut().After(time.Minute)
	timers := w.timers()
	w.sendChange(0, changeTo(access.OpGrant, leaseOf("", soc, 0)))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []time.Duration{6 * time.Hour}, *timers)
}

// A change that leases nothing costs no timer, and one question about versions.
func TestPrincipal_AsksOnce(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.OnGetVersion(writersAskOnce, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.Version(1)).Once()
	w.carriesOut().After(time.Minute)
	timers := w.timers()
	given := w.sendChange(0, changeTo(access.OpGrant, leaseOf("", soc, 0)))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, access.Applied, given.requireOutcome(t))
	require.Empty(t, *timers)
}

// A lease without an end is looked after too: the run wakes for a new build from then on.
func TestPrincipal_LeaseStartsTheLook(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().After(time.Minute)
	w.confirms()
	timers := w.timers()
	a := leaseOf("a", soc, 0)
	w.sendChange(0, acquires(a))
	w.sendChange(7*time.Hour, releases(a))

	w.run()

	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 6*time.Hour-time.Minute, (*timers)[0], "counted from the start of the run")
	require.Equal(t, 6*time.Hour, (*timers)[1])
}
