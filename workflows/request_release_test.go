package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// standing makes the ledger hold a proof that the role was given, until it is released: the first receipt that a
// workflow asks for is not written.
func (r *requestEnv) standing(given access.Plan) {
	r.on(wire.CloseActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.closed = append(r.closed, in)
			if len(r.applied) > 0 || !in.Releases {
				return wire.CloseResult{Receipt: receiptOf(in)}, nil
			}
			return wire.CloseResult{Release: &given}, nil
		})
}

// A request whose access is on the console releases it before it ends, also where it was not planned in this run.
func TestGrant_EndsWithARelease(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	given := planOf(planInput(in))
	r.on(wire.PlanActivity, planInput(in)).
		Return(failing[wire.PlanInput, wire.PlanResult](forbidden())).Once()
	r.applies(access.OpRelease, access.Released)
	r.standing(given)
	r.ExecuteWorkflow(wire.GrantType, in)
	require.Error(t, r.GetWorkflowError())
	require.Len(t, r.closed, 2)
	require.Len(t, r.applied, 1)
	require.Equal(t, access.OpRelease, r.applied[0].Change.Change.Op)
	require.Nil(t, r.applied[0].Close, "the receipt says that the request has failed")
	require.Equal(t, wire.PrincipalID(given.Console, given.Principal.Kind, given.Principal.ID),
		r.applied[0].Writer.WorkflowID)
	require.Equal(t, wire.StateFailed, r.closed[1].State)
}

// A worker that may be rolled back leaves the release to others, and its receipt waits for that.
func TestGrant_EndsWithoutARelease(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(time.Hour)
	r.OnGetVersion("ends-release", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	r.on(wire.PlanActivity, planInput(in)).
		Return(failing[wire.PlanInput, wire.PlanResult](forbidden())).Once()
	r.standing(planOf(planInput(in)))
	r.ExecuteWorkflow(wire.GrantType, in)
	require.Error(t, r.GetWorkflowError())
	require.Empty(t, r.applied)
	require.False(t, r.closed[1].Releases)
}
