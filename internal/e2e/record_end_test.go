//go:build record

package e2e

import (
	"database/sql"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// endScenarios are of requests that leave nothing behind, whatever ends them.
var endScenarios = map[string]scenario{
	"refused_while_it_gave": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return recordRefusedWhileItGave(r, "1h")
	}),
	"refused_while_it_gave_permanent": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return recordRefusedWhileItGave(r, "")
	}),
	"failed_after_reset": recordRequest(recordFailedAfterReset),
	"released_by_system": recordRequest(recordReleasedBySystem),
	"took_long":          recordRequest(recordTookLong),
	manyRolesName:        recordRequest(recordManyRoles),
}

// decidedEndScenarios follow oneLeadPolicy.
var decidedEndScenarios = map[string]scenario{
	"window_over":           recordRequest(recordWindowOver),
	"denied_then_cancelled": recordRequest(recordDeniedThenCancelled),
	"cancelled_after_reset": recordRequest(recordCancelledAfterReset),
}

// recordRefusedWhileItGave fails the step that waits for the writer while the role is on its way.
func recordRefusedWhileItGave(r *grantEnv, duration string) client.WorkflowRun {
	g := newRequestGate(r)
	g.blockAt(r.user, consoleCall{method: http.MethodPut})
	run := r.startGrant("", r.input(duration))
	g.untilBlocked(1)
	failure := temporal.NewNonRetryableApplicationError("by the test", string(kinds.Refused), nil)
	require.NoError(r.t, r.failActivity(run, failure))
	r.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateReleasing })
	g.open()
	r.requireLeftNothing(run, wire.StateRefused)
	return run
}

// recordFailedAfterReset resets a grant in force, which cannot be planned again.
func recordFailedAfterReset(r *grantEnv) client.WorkflowRun {
	in := r.input("1h")
	in.Role = access.RoleSelector{Name: "SOC"}
	run := r.startGrant("", in)
	r.untilStatus(run, isActive)
	_, err := r.console.AddRole(access.Role{Name: "SOC", Scope: access.Tenant})
	require.NoError(r.t, err)
	again := r.resetBefore(run, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
	require.Error(r.t, again.Get(r.ctx(), nil))
	require.False(r.t, r.holdings().Holds(r.requested))
	return again
}

// recordCancelledAfterReset resets a grant in force, and cancels it before it is approved again.
func recordCancelledAfterReset(r *grantEnv) client.WorkflowRun {
	run := r.startGrant("", r.input("1h"))
	r.untilStatus(run, isAwaitingApproval)
	r.mustDecide(run, "approve", "carol@example.com")
	r.untilStatus(run, isActive)
	again := r.resetBefore(run, updateAccepted)
	r.untilStatus(again, isAwaitingApproval)
	r.update(again, wire.CancelUpdate, stopByBob)
	r.requireLeftNothing(again, wire.StateCancelled)
	return again
}

// recordReleasedBySystem has a worker release the access that cannot reach Temporal. Then the grant and the writer go
// on.
func recordReleasedBySystem(r *grantEnv) client.WorkflowRun {
	run := r.startGrant("", r.input("5s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	r.worker.Kill()
	env := append(r.env(), "TEMPORAL_ADDRESS=127.0.0.1:1")
	alone, err := testbed.StartProcess(r.workerOutput, env, programs.Worker)
	require.NoError(r.t, err)
	r.t.Cleanup(alone.Kill)
	r.untilReleased(run.GetID(), ends)
	require.Len(r.t, r.overdueEntries(run.GetID()), 1)
	alone.Kill()
	r.startWorker()
	return r.requireEnd(run, "expired", access.Released)
}

// recordTookLong has a console that takes longer than a request waits without being woken.
func recordTookLong(r *grantEnv) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{
		Name: consoletest.Slow, Path: "/users/" + r.user.ID, Method: http.MethodPut, Delay: 2 * wire.AnswerSoon,
	})
	return r.requireEnd(r.startOneSecondGrant(""), "expired", access.Released)
}

// manyRolesName begins the names of histories about a person with many roles.
const manyRolesName = "many_roles"

// recordManyRoles grants a role to somebody with more roles than a list has inline.
func recordManyRoles(r *grantEnv) client.WorkflowRun {
	held := []access.Holding{r.viewer}
	for n := range access.MaxListed + 5 {
		held = append(held, r.world.AtSite("Viewer", n+2))
	}
	r.setRolesByHand(held...)
	run := r.requireEnd(r.startOneSecondGrant(""), "expired", access.Released)
	require.NotContains(r.t, toJSON(r.t, r.result(run)), held[len(held)-1].ScopeID, "lists are brief")
	return run
}

// recordWindowOver has nobody decide before the window is over.
func recordWindowOver(r *grantEnv) client.WorkflowRun {
	in := r.input("1s")
	in.StartAt = new(time.Now().Add(6 * time.Second))
	run := r.startGrant("", in)
	r.untilStatus(run, isAwaitingApproval)
	return r.requireEnd(run, "timedOut", "")
}

// recordDeniedThenCancelled cancels a request while a denial waits for the ledger.
func recordDeniedThenCancelled(r *grantEnv) client.WorkflowRun {
	run := r.startAwaitingApproval()
	unlock := r.lockStore()
	_, err := r.client.UpdateWorkflow(r.ctx(), client.UpdateWorkflowOptions{
		WorkflowID: run.GetID(), UpdateName: wire.DenyUpdate, WaitForStage: client.WorkflowUpdateStageAccepted,
		Args: []any{wire.DecisionInput{By: "carol@example.com"}},
	})
	require.NoError(r.t, err)
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	require.Eventually(r.t, func() bool { return r.hasTakenInCancellation(run) }, limit, 50*time.Millisecond)
	unlock()
	return r.requireEnd(run, "denied", "")
}

// hasTakenInCancellation says that the workflow has had a task since its cancellation.
func (s *stack) hasTakenInCancellation(run client.WorkflowRun) bool {
	came := false
	for _, e := range history(s, run.GetID()).GetEvents() {
		came = came || e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
		if came && e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return true
		}
	}
	return false
}

// lockStore keeps everybody else from writing to the database, until unlock.
func (s *stack) lockStore() (unlock func()) {
	s.t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(s.database, "sqlite://")+"?_pragma=busy_timeout(10000)")
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(s.ctx(), "BEGIN IMMEDIATE")
	require.NoError(s.t, err)
	return func() {
		_, err := db.ExecContext(s.ctx(), "ROLLBACK")
		require.NoError(s.t, err)
	}
}

// writerEndScenarios are of writers whose grants are slow, or gone.
var writerEndScenarios = map[string]scenario{
	"took_long":          recordWriter(func(r *grantEnv) { recordTookLong(r) }),
	"released_by_system": recordWriter(func(r *grantEnv) { recordReleasedBySystem(r) }),
	"overdue":            recordWriter(recordOverdue),
	manyRolesName:        recordWriter(func(r *grantEnv) { recordManyRoles(r) }),
}

// recordOverdue terminates the grant: the access is released without it.
func recordOverdue(r *grantEnv) {
	run := r.startActive("", "5s")
	require.NoError(r.t, r.client.TerminateWorkflow(r.ctx(), run.GetID(), "", "by the test"))
}

// revertPolicy reverts what is on the console without a request.
const revertPolicy = testbed.AutoApprove + `
drift:
  - {name: unexplained, action: revert, after: 1s}
`

// driftScenarios follow revertPolicy.
var driftScenarios = map[string]scenario{
	"reverted_by_drift_rule": recordRequest(func(r *grantEnv) client.WorkflowRun {
		r.runSync("/before")
		r.setRolesByHand(r.viewer, r.requested)
		r.runSync("/after")
		run := r.client.GetWorkflow(r.ctx(), r.driftEntry(r.user).request, "")
		return r.requireEnd(run, "revoked", access.Removed)
	}),
}
