package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// How long the calls take: one that can be called off longer than a worker needs to learn
// of it, so that it is given up in the middle.
const (
	slowApply   = 25 * time.Second
	slowRelease = 5 * time.Second
)

// Called off at any call, by the update and in Temporal, with the call carried out by
// the console and not: either the role is there and the grant says so, or what was held
// before is held, and nothing in between.
func TestCancel_AtEveryCallOfAGrant(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	var all []*cancelledRequest
	for _, kind := range []struct {
		name, duration string
		calls          []consoleCall
	}{{"timed", "1s", grantCalls}, {"permanent", "", permanentCalls}} {
		for _, call := range kind.calls {
			for how, cancel := range map[string]func(*cancelledRequest){"update": cancelByUpdate, "Temporal": cancelInTemporal} {
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
					all = append(all, &cancelledRequest{stalledRequest: k, call: call, timed: kind.duration != "", cancel: cancel})
				}
			}
		}
	}
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
	require.GreaterOrEqual(t, inTime, minCancelledInTime, "too few were called off in the middle to prove anything")
	s.requireLedger()
}

// minCancelledInTime is how many of the calls that give must have been caught in the middle.
const minCancelledInTime = 12

// cancelledRequest is a grant that somebody calls off while one of its calls is under way.
type cancelledRequest struct {
	*stalledRequest

	call      consoleCall
	timed     bool
	cancel    func(*cancelledRequest)
	cancelErr error // what was said against it
}

// cancelByUpdate asks for the end without waiting for it.
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

// requireConsistentEnd allows for a machine so busy that the call was over before anyone called it off:
// then the grant goes on to its own end, and nothing is half done either.
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
		require.True(t, c.call.applying, "what is being released is not called off")
		require.NoError(t, c.cancelErr)
	}
	require.Equal(t, c.before, c.holdings())
}

// Called off while it waits for its start, a grant ends at once; while it is in force it
// is not called off but ended, by the update or in Temporal.
func TestCancel_ScheduledAndActive(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	before := s.holdings()
	later := s.input("")
	later.StartAt = new(time.Now().Add(time.Hour))
	scheduled, unplanned := s.startGrant("/1", later), s.startGrant("/2", later)
	active, ended := s.startGrant("/3", s.input("1h")), s.startGrant("/4", s.input("1h"))
	by := wire.StopInput{By: "bob@example.com"}
	for _, run := range []client.WorkflowRun{scheduled, unplanned} {
		s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
	}
	for _, run := range []client.WorkflowRun{active, ended} {
		s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	}
	require.Equal(t, "cancelled", s.update(scheduled, wire.CancelUpdate, by).State)
	require.NoError(t, s.client.CancelWorkflow(t.Context(), unplanned.GetID(), ""))
	_, err := s.tryUpdate(active, wire.CancelUpdate, by)
	require.ErrorContains(t, err, "use end")
	require.True(t, s.holdings().Holds(s.requested))
	answer := s.update(ended, wire.EndUpdate, by)
	require.Equal(t, "ended", answer.State)
	require.Equal(t, access.StillHeld, answer.Outcome, "the other one is in force")
	require.True(t, s.holdings().Holds(s.requested))
	require.NoError(t, s.client.CancelWorkflow(t.Context(), active.GetID(), ""))
	for run, state := range map[client.WorkflowRun]string{
		scheduled: "cancelled", unplanned: "cancelled", active: "cancelled", ended: "ended",
	} {
		got := s.result(run)
		require.Equal(t, state, got.State, got.Message)
		s.requireReceipt(got)
	}
	require.Equal(t, before, s.holdings())
	require.Len(t, s.roleWrites(), 2)
}

// update sends an update to a grant and waits for its answer.
func (r *grantEnv) update(run client.WorkflowRun, name string, in any) wire.RequestAnswer {
	r.t.Helper()
	out, err := r.tryUpdate(run, name, in)
	require.NoError(r.t, err)
	return out
}

func (r *grantEnv) tryUpdate(run client.WorkflowRun, name string, in any) (wire.RequestAnswer, error) {
	r.t.Helper()
	var out wire.RequestAnswer
	handle, err := r.client.UpdateWorkflow(r.ctx(), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(r.ctx(), &out)
	}
	return out, err
}
