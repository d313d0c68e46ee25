package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// writerStrikes are what may become of a writer while it gives a role. Each takes the answer away from the request
// that waits for it, or puts one of Temporal's in its place.
var writerStrikes = map[string]func(s *grantEnv, writer client.WorkflowRun) error{
	"terminated": func(s *grantEnv, writer client.WorkflowRun) error {
		return s.client.TerminateWorkflow(s.ctx(), writer.GetID(), "", "by the test")
	},
	"deleted": func(s *grantEnv, writer client.WorkflowRun) error {
		_, err := s.client.WorkflowService().DeleteWorkflowExecution(s.ctx(),
			&workflowservice.DeleteWorkflowExecutionRequest{
				Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: writer.GetID()},
			})
		return err
	},
	"reset": func(s *grantEnv, writer client.WorkflowRun) error {
		s.resetBefore(writer, updateAccepted)
		return nil
	},
	"cancelled": func(s *grantEnv, writer client.WorkflowRun) error {
		return s.client.CancelWorkflow(s.ctx(), writer.GetID(), "")
	},
	"failed": func(s *grantEnv, writer client.WorkflowRun) error { // by a type that is not ours
		return s.failActivity(writer, temporal.NewNonRetryableApplicationError("by the test", "Strange", nil))
	},
	"timed out": func(s *grantEnv, writer client.WorkflowRun) error { // as if nobody had carried it out
		return s.failActivity(writer, temporal.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, nil))
	},
}

// failActivity completes the activity that the writer runs, with an error.
func (r *grantEnv) failActivity(writer client.WorkflowRun, failure error) error {
	is, err := r.client.DescribeWorkflowExecution(r.ctx(), writer.GetID(), "")
	if err != nil || len(is.GetPendingActivities()) != 1 {
		return errors.Join(err, errors.New("the writer runs no activity"))
	}
	return r.client.CompleteActivityByID(r.ctx(), "default", writer.GetID(), "",
		is.GetPendingActivities()[0].GetActivityId(), nil, failure)
}

func (r *grantEnv) writer() client.WorkflowRun {
	return r.client.GetWorkflow(r.ctx(), wire.PrincipalID(r.consoleKey(), r.user.Kind, r.user.ID), "")
}

// Row 1 of issue 11: the writer is lost while it gives a role. Its request is not refused: the writer starts anew, and
// the role is given, and ends in time where it has an end.
func TestWriter_LostWhileItGives(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	gate := newRequestGate(s)
	type struck struct {
		*grantEnv

		run    client.WorkflowRun
		want   string
		strike func(s *grantEnv, writer client.WorkflowRun) error
	}
	all := map[string]struck{}
	for name, strike := range writerStrikes {
		for duration, want := range map[string]string{"": wire.StateGranted, "2s": wire.StateExpired} {
			u := s.withUser("user." + name[:3] + "." + want + "@example.com")
			gate.blockAt(u.user, consoleCall{method: http.MethodPut})
			run := u.startGrant("/"+name+want, u.inputFor(u.user, u.requested, duration))
			all[name+", "+want] = struck{u, run, want, strike}
		}
	}
	gate.untilBlocked(len(all))
	for name, k := range all {
		require.NoError(t, k.strike(k.grantEnv, k.writer()), name)
	}
	gate.open()
	for name, k := range all {
		t.Run(name, func(t *testing.T) {
			var got wire.RequestResult
			require.NoError(t, k.run.Get(k.ctx(), &got))
			require.Equal(t, k.want, got.State, got.Message)
			require.Equal(t, k.want == wire.StateGranted, k.holdings().Holds(k.requested))
			require.True(t, k.holdings().Holds(k.viewer))
			k.requireReceipt(got)
		})
	}
	s.requireLedger()
}

// Row 4 of issue 11: another workflow under the id of a principal's writer, or a writer that somebody has paused, holds
// up no revoke. What was found is in the log.
func TestWriter_ForeignOrPaused(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	start := func(u *grantEnv, queue, kind string, in any) {
		_, err := s.client.ExecuteWorkflow(s.ctx(), client.StartWorkflowOptions{
			ID: u.writer().GetID(), TaskQueue: queue,
		}, kind, in)
		require.NoError(t, err)
	}
	all := map[string]client.WorkflowRun{}
	users := map[string]*grantEnv{}
	for name, occupy := range map[string]func(u *grantEnv){
		"another type": func(u *grantEnv) { // it answers updates, but not this one
			in := u.inputFor(u.user, u.requested, "1h")
			in.StartAt = new(time.Now().Add(24 * time.Hour))
			start(u, u.queue, wire.GrantType, in)
		},
		"no worker": func(u *grantEnv) { start(u, "nobody-polls-this", wire.SyncType, wire.SyncInput{}) },
		"other queue": func(u *grantEnv) {
			start(u, "nobody-polls-this-either", wire.PrincipalType,
				wire.WriterStart{Console: u.consoleKey(), Kind: u.user.Kind, ID: u.user.ID})
		},
		"other principal": func(u *grantEnv) {
			start(u, u.queue, wire.PrincipalType, wire.WriterStart{Console: u.consoleKey(), Kind: u.user.Kind, ID: "9"})
		},
	} {
		u := s.withUser("user."+name[:3]+name[len(name)-2:]+"@example.com", s.requested)
		users[name] = u
		occupy(u)
		all[name] = u.startRevoke("/"+name, u.requested)
	}
	for name, run := range all {
		got := s.result(run)
		require.Equal(t, wire.StateRevoked, got.State, "%s: %s", name, got.Message)
		require.False(t, users[name].holdings().Holds(s.requested), name)
		users[name].requireReceipt(got)
	}
	for _, found := range []string{
		"it is a workflow of type Grant", "it is a workflow of type Sync",
		"it runs on task queue nobody-polls-this-either", "its answer is not on record",
	} {
		require.NoError(t, s.workerOutput.WaitFor(s.ctx(), found, 1))
	}
}

// Row 4 of issue 11: a writer whose activity somebody has paused goes on, and the status says why it waited.
func TestWriter_Paused(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	gate := newRequestGate(s)
	s.setRolesByHand(s.viewer, s.requested)
	gate.blockAt(s.user, consoleCall{method: http.MethodPut})
	run := s.startRevoke("/1", s.requested)
	gate.untilBlocked(1)
	is, err := s.client.DescribeWorkflowExecution(s.ctx(), s.writer().GetID(), "")
	require.NoError(t, err)
	_, err = s.client.WorkflowService().PauseActivity(s.ctx(), &workflowservice.PauseActivityRequest{
		Namespace: "default", Execution: &common.WorkflowExecution{WorkflowId: s.writer().GetID()},
		Activity: &workflowservice.PauseActivityRequest_Id{Id: is.GetPendingActivities()[0].GetActivityId()},
	})
	require.NoError(t, err)
	s.worker.Kill() // with the attempt under way: the next one is what is paused
	gate.open()
	next := newRequestGate(s) // the reason is shown until the change is done: hold it up
	next.blockAt(s.user, consoleCall{method: http.MethodGet})
	s.startWorker()
	s.untilStatus(run, func(got wire.RequestStatus) bool {
		return strings.Contains(got.Waiting, "was paused and goes on")
	})
	next.open()
	got := s.result(run)
	require.Equal(t, wire.StateRevoked, got.State, got.Message)
	require.Equal(t, access.Removed, got.Outcome)
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "was paused and goes on", 1))
}
