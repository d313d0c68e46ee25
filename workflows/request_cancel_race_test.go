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
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
)

// A cancellation that arrives in the same workflow task as the writer's answer is accepted,
// since the request is still applying then: the role that was just given is released.
func TestGrant_CancelledWithTheAnswer(t *testing.T) {
	t.Parallel()
	env := flowtest.New()
	activities.NewRequest(nil, nil).Register(env)
	var ops []access.Op
	terms := access.Terms{Duration: access.Duration(time.Hour)}
	env.OnActivity(wire.PlanActivity, mock.Anything, mock.Anything).
		Return(wire.PlanResult{Plan: access.Plan{
			Op: access.OpAcquire, Terms: terms, Approval: access.Approval{},
		}}, nil).Once()
	env.OnActivity(wire.ApplyActivity, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
			ops = append(ops, in.Change.Change.Op)
			out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{Outcome: access.Applied}}}
			if in.Close != nil {
				out.Receipt = &access.Receipt{State: in.Close.State, Message: in.Close.Message}
			}
			return out, nil
		})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		m := newMachine(ctx, grantKind, wire.PlanInput{Op: access.OpAcquire, Terms: terms})
		workflow.Go(ctx, func(ctx workflow.Context) { _, _ = m.carryOut(ctx) })
		// The answer is there, and the machine has not had its turn yet.
		if err := workflow.Await(ctx, func() bool { return len(m.proofs) == 1 }); err != nil {
			return err
		}
		require.NoError(t, m.mayUpdate(onCancel, "ana@example.com", workflow.Now(ctx)))
		m.stop = &stopRequest{on: onCancel, Stop: access.Stop{By: "ana@example.com"}}
		err := workflow.Await(ctx, func() bool { return m.over })
		require.Equal(t, wire.StateCancelled, m.state)
		require.Equal(t, "cancelled by ana@example.com", m.result.Message)
		return err
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []access.Op{access.OpAcquire, access.OpRelease}, ops)
}
