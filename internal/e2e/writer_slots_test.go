package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// slotsUsed is how many activities hold a slot of the worker on a task queue, by its metrics; -1 if they do not say.
func slotsUsed(t *testing.T, metrics, queue string) (used string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+metrics+"/metrics", nil)
	require.NoError(t, err)
	answer, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "temporal_worker_task_slots_used{") &&
			strings.Contains(line, `task_queue="`+queue+`"`) && strings.Contains(line, `worker_type="ActivityWorker"`) {
			return line[strings.LastIndex(line, " ")+1:]
		}
	}
	return "-1"
}

// pendingApply is the activity of a request that waits for the writer; nil if it does not.
func (s *stack) pendingApply(run client.WorkflowRun) *workflowpb.PendingActivityInfo {
	s.t.Helper()
	is, err := s.client.DescribeWorkflowExecution(s.ctx(), run.GetID(), run.GetRunID())
	require.NoError(s.t, err)
	for _, a := range is.GetPendingActivities() {
		if a.GetActivityType().GetName() == wire.ApplyActivity {
			return a
		}
	}
	return nil
}

// Row 10 of issue 11: while the console is down, grants that wait for their writers hold no slot of the worker. The
// release of another grant reaches its writer, has the higher priority, and goes first once the console is back.
func TestWriter_WaitingHoldsNoSlot(t *testing.T) {
	t.Parallel()
	metrics := freeAddress(t)
	s := prepareGrantEnv(t, newStack(t, consoletest.Options{Seed: 31, Sites: 6, Users: -1}))
	s.extraEnv = append(s.extraEnv, "METRICS_ADDRESS="+metrics)
	s.startWorker()
	held := s.startGrant("/held", s.input("1h"))
	s.untilStatus(held, isActive)
	s.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/users", Method: http.MethodPut})
	var waiting []client.WorkflowRun
	for n := range 12 {
		u := s.withUser(fmt.Sprintf("user.%d@example.com", n))
		waiting = append(waiting, u.startGrant(fmt.Sprint("/", n), u.inputFor(u.user, u.requested, "")))
	}
	for _, run := range waiting {
		s.untilStatus(run, func(got wire.RequestStatus) bool {
			return got.State == wire.StateApplying && got.Waiting != ""
		})
	}
	require.EventuallyWithT(t, func(c *assertT) {
		for _, run := range waiting {
			a := s.pendingApply(run)
			require.NotNil(c, a)
			require.Equal(c, enums.PENDING_ACTIVITY_STATE_STARTED, a.GetState())
		}
		require.Equal(c, "0", slotsUsed(t, metrics, s.queue)) // a started activity that works holds one
	}, limit, 100*time.Millisecond)

	go func() { _, _ = s.tryUpdate(held, wire.EndUpdate, wire.StopInput{By: "bob@example.com"}) }()
	path := "/users/" + s.user.ID
	isRelease := func(q consoletest.Request) bool { return q.Method == http.MethodPut && q.Path == path }
	require.NoError(t, s.console.WaitForRequests(s.ctx(), 1, func(q consoletest.Request) bool {
		return isRelease(q) && q.Status == http.StatusInternalServerError
	}))
	a := s.pendingApply(held)
	require.NotNil(t, a)
	require.EqualValues(t, 1, a.GetPriority().GetPriorityKey())
	gate := newRequestGate(s)
	gate.blockAt(s.user, consoleCall{method: http.MethodPut})
	s.untilAllDefer(gate, waiting)
	s.console.ClearFaults()
	gate.open()
	require.Equal(t, wire.StateEnded, s.result(held).State)
	for _, run := range waiting {
		require.Equal(t, wire.StateGranted, s.result(run).State)
	}
	require.Equal(t, []string{s.user.ID, s.user.ID}, s.writtenUsers()[:2], "what ends access goes first")
	require.Len(t, s.writtenUsers(), 2+len(waiting))
}
