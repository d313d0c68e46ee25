package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// requireLeftNothing checks that a request has ended in that state, and that its access went with it.
func (r *grantEnv) requireLeftNothing(run client.WorkflowRun, state string) wire.RequestResult {
	r.t.Helper()
	got := r.result(run)
	require.Equal(r.t, state, got.State, got.Message)
	require.False(r.t, r.holdings().Holds(r.requested))
	require.True(r.t, r.holdings().Holds(r.viewer))
	r.requireReceipt(got)
	return got
}

// Row 1 of issue 11: a grant that is reset after its role was given, and cancelled before it is applied again, takes
// the role with it.
func TestEnd_CancelledAfterReset(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, oneLeadPolicy)
	run := s.startGrant("/1", s.input("1h"))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	s.untilHolds(true)
	s.untilStatus(run, isActive)
	again := s.resetBefore(run, updateAccepted)
	s.untilStatus(again, isAwaitingApproval)
	s.update(again, wire.CancelUpdate, wire.StopInput{By: "bob@example.com"})
	got := s.requireLeftNothing(again, wire.StateCancelled)
	require.Equal(t, access.Released, got.Outcome)
}

// Row 1 of issue 11: a grant that is reset after its role was given, and cannot be planned again, takes the role with
// it.
func TestEnd_PlanningFailsAfterReset(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	in := s.input("1h")
	in.Role = access.RoleSelector{Name: "SOC"}
	run := s.startGrant("/1", in)
	s.untilStatus(run, isActive)
	_, err := s.console.AddRole(access.Role{Name: "SOC", Scope: access.Tenant})
	require.NoError(t, err)
	again := s.resetBefore(run, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
	var failed *temporal.ApplicationError
	require.ErrorAs(t, again.Get(s.ctx(), nil), &failed)
	require.Equal(t, string(kinds.Invalid), failed.Type())
	require.False(t, s.holdings().Holds(s.requested))
	receipts := s.ledgerReceipts(run.GetID())
	require.Len(t, receipts, 1)
}

// Row 1 of issue 11: the step that waits for the writer is made to fail, with an error of one of our own types, while
// the role is on its way to the console. The request ends refused, without the role.
func TestEnd_RefusedWhileItGives(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	gate := newRequestGate(s)
	runs := map[*grantEnv]client.WorkflowRun{}
	failure := temporal.NewNonRetryableApplicationError("by the test", string(kinds.Refused), nil)
	for _, duration := range []string{"", "1h"} {
		u := s.withUser("user" + duration + "@example.com")
		gate.blockAt(u.user, consoleCall{method: http.MethodPut})
		run := u.startGrant("/"+duration, u.inputFor(u.user, u.requested, duration))
		runs[u] = run
		gate.untilBlocked(len(runs))
		require.NoError(t, u.failActivity(run, failure))
	}
	gate.open()
	for u, run := range runs {
		t.Run(run.GetID(), func(*testing.T) { u.requireLeftNothing(run, wire.StateRefused) })
	}
	s.requireLedger()
}
