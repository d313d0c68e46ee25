package e2e

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Delays of the console. A call that can be cancelled takes longer than a worker needs to
// hear of the cancellation, so that it is abandoned in the middle.
const (
	slowApply   = 50 * time.Second // less than the client waits
	slowRelease = 5 * time.Second
)

// A grant is cancelled during each of its calls, by the update and in Temporal, where the
// console has carried out the call and where it has not. Either the role is there and the
// grant says so, or the user holds what it held before.
func TestCancel_AtEveryCallOfAGrant(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	var all []*cancelledRequest
	for _, kind := range []struct {
		name, duration string
		calls          []consoleCall
	}{{"timed", "1s", grantCalls}, {"permanent", "", permanentCalls}} {
		for _, call := range kind.calls {
			for how, cancel := range cancellations {
				for _, done := range []bool{false, true} {
					name := fmt.Sprintf("%s, %s, %t", kind.name, how, done)
					u := s.withUser(fmt.Sprintf("user.%d@example.com", len(all)))
					slow := slowRelease
					if call.applying {
						slow = slowApply
					}
					k := u.startStalled(call, done, slow, func(at string) client.WorkflowRun {
						return u.startGrant("/"+name+at, u.input(kind.duration))
					})
					k.name = name + ", " + k.name
					all = append(all, &cancelledRequest{
						stalledRequest: k, call: call, timed: kind.duration != "", cancel: cancel,
					})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *cancelledRequest) int { // calls that apply first: the others last shorter
		return cmp.Compare(a.releasing(), b.releasing())
	})
	for _, c := range all {
		s.untilStalled([]*stalledRequest{c.stalledRequest})
		c.cancel(c)
	}
	inTime := 0
	for _, c := range all {
		t.Run(c.name, c.requireConsistentEnd)
		if c.result(c.run).State == "cancelled" {
			inTime++
		}
	}
	require.GreaterOrEqual(t, inTime, minCancelledInTime, "too few were cancelled during a call to prove anything")
	s.requireLedger()
}

// minCancelledInTime is how many grants must have been cancelled during a call that applies
// them.
const minCancelledInTime = 12

// cancelledRequest is a grant that is cancelled during one of its calls.
type cancelledRequest struct {
	*stalledRequest

	call      consoleCall
	timed     bool
	cancel    func(*cancelledRequest)
	cancelErr error // of the cancellation
}

// releasing is 1 if the call releases the role, and 0 if it applies the grant.
func (c *cancelledRequest) releasing() int {
	if c.call.applying {
		return 0
	}
	return 1
}

// cancellations are the ways to cancel a request.
var cancellations = map[string]func(*cancelledRequest){"update": cancelByUpdate, "Temporal": cancelInTemporal}

// cancelByUpdate sends the update cancel and does not wait for its result.
func cancelByUpdate(c *cancelledRequest) {
	c.t.Helper()
	_, c.cancelErr = c.client.UpdateWorkflow(c.ctx(), client.UpdateWorkflowOptions{
		WorkflowID: c.run.GetID(), UpdateName: wire.CancelUpdate, Args: []any{wire.StopInput{By: "bob@example.com"}},
		WaitForStage: client.WorkflowUpdateStageAccepted,
	})
}

func cancelInTemporal(c *cancelledRequest) {
	c.cancelErr = c.client.CancelWorkflow(c.ctx(), c.run.GetID(), "")
}

// requireConsistentEnd checks the end of a cancelled grant. On a busy machine the call may
// have ended before the cancellation: then the grant must have ended as if it had not been
// cancelled.
func (c *cancelledRequest) requireConsistentEnd(t *testing.T) {
	got := c.result(c.run)
	c.requireReceipt(got)
	switch got.State {
	case "granted":
		require.False(t, c.timed)
		require.True(t, c.holdings().Holds(c.requested))
		require.True(t, c.holdings().Holds(c.viewer))
		return
	case "expired":
		require.True(t, c.timed)
		require.Equal(t, access.Released, got.Outcome)
	default:
		require.Equal(t, "cancelled", got.State, got.Message)
		require.True(t, c.call.applying, "a release is not cancelled")
		require.NoError(t, c.cancelErr)
	}
	require.Equal(t, c.before, c.holdings())
}

// A scheduled grant that is cancelled ends at once. An active one cannot be cancelled by
// the update; it is ended, or cancelled in Temporal.
func TestCancel_ScheduledAndActive(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	before := s.holdings()
	later := s.input("")
	later.StartAt = new(time.Now().Add(time.Hour))
	scheduled, scheduled2 := s.startGrant("/1", later), s.startGrant("/2", later)
	active, ended := s.startGrant("/3", s.input("1h")), s.startGrant("/4", s.input("1h"))
	by := wire.StopInput{By: "bob@example.com"}
	for _, run := range []client.WorkflowRun{scheduled, scheduled2} {
		s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
	}
	for _, run := range []client.WorkflowRun{active, ended} {
		s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	}
	require.Equal(t, "cancelled", s.update(scheduled, wire.CancelUpdate, by).State)
	require.NoError(t, s.client.CancelWorkflow(t.Context(), scheduled2.GetID(), ""))
	_, err := s.tryUpdate(active, wire.CancelUpdate, by)
	require.ErrorContains(t, err, "use extend or end")
	require.True(t, s.holdings().Holds(s.requested))
	answer := s.update(ended, wire.EndUpdate, by)
	require.Equal(t, "ended", answer.State)
	require.Equal(t, access.StillHeld, answer.Outcome, "the other grant is active")
	require.True(t, s.holdings().Holds(s.requested))
	require.NoError(t, s.client.CancelWorkflow(t.Context(), active.GetID(), ""))
	for run, state := range map[client.WorkflowRun]string{
		scheduled: "cancelled", scheduled2: "cancelled", active: "cancelled", ended: "ended",
	} {
		got := s.result(run)
		require.Equal(t, state, got.State, got.Message)
		s.requireReceipt(got)
	}
	require.Equal(t, before, s.holdings())
	require.Len(t, s.roleWrites(), 2)
}

// update sends an update to a request and returns its answer.
func (r *grantEnv) update(run client.WorkflowRun, name string, in any) wire.RequestAnswer {
	r.t.Helper()
	out, err := r.tryUpdate(run, name, in)
	require.NoError(r.t, err)
	return out
}

// tryUpdate sends an update once. A busy server may leave a call unanswered for longer than the SDK waits: the next
// call waits for the same update.
func (r *grantEnv) tryUpdate(run client.WorkflowRun, name string, in any) (wire.RequestAnswer, error) {
	r.t.Helper()
	var out wire.RequestAnswer
	ctx, id := r.ctx(), rand.Text()
	for {
		handle, err := r.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			UpdateID: id, WorkflowID: run.GetID(), UpdateName: name, Args: []any{in},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(ctx, &out)
		}
		_, late := errors.AsType[*client.WorkflowUpdateServiceTimeoutOrCanceledError](err)
		if !late || ctx.Err() != nil {
			return out, err
		}
	}
}
