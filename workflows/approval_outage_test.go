package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

// After an outage, updates go before timers: a decision that comes when the time is over
// does not count, though the run has not woken up to that yet.
func TestApproval_BeforeTheTimer(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{time.Hour - time.Second, time.Hour, 30 * time.Hour} {
		env := flowtest.New()
		activities.NewRequest(nil, nil).Register(env)
		env.OnActivity(wire.DecideActivity, mock.Anything, mock.Anything).
			Return(func(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
				return wire.DecideResult{Signed: access.Unsigned, Refusal: in.Refusal}, nil
			}).Once()
		env.ExecuteWorkflow(func(ctx workflow.Context) error {
			m := newMachine(ctx, grantKind, wire.PlanInput{Op: access.OpGrant})
			m.at = awaitingApproval
			m.approval = approval.New(m.notAsked().Request, access.Approval{
				Required: true, DecideWithin: access.Duration(time.Hour),
				Steps: []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}}},
			}, workflow.Now(ctx))
			if err := workflow.Sleep(ctx, after); err != nil {
				return err
			}
			_, err := m.decide(ctx, approval.Approve, wire.DecisionInput{By: "carol@example.com"})
			return err
		})
		if after < time.Hour {
			require.NoError(t, env.GetWorkflowError())
			continue
		}
		require.ErrorContains(t, env.GetWorkflowError(), "too late to decide: the deadline was")
	}
}
