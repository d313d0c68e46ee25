package workflows_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/workflows"
)

// moves sends some moves at random times, each to a policy that asks other people, or
// that takes some minutes to plan.
func (b *ballot) moves(done *int) {
	b.OnActivity(activities.MoveName, mock.Anything, mock.Anything).
		Return(func(_ context.Context, _ activities.MoveInput) (activities.MoveResult, error) {
			if b.rand.IntN(4) == 0 {
				return activities.MoveResult{Stays: "it follows it already"}, nil
			}
			*done++
			b.counted, b.plan.Approval = nil, b.approval()
			b.plan.Approval.Hash = fmt.Sprint("policy ", *done)
			return activities.MoveResult{PlanResult: activities.PlanResult{Plan: b.plan.Seal()}}, nil
		}).After(time.Duration(b.rand.IntN(3)) * time.Minute).Maybe()
	for i := range 1 + b.rand.IntN(3) {
		b.RegisterDelayedCallback(func() {
			b.UpdateWorkflow(workflows.MoveUpdate, fmt.Sprint("move ", i), &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(error) {}, OnComplete: func(any, error) {},
			}, workflows.PolicyMove{By: person(crowd)})
		}, time.Duration(b.rand.IntN(80))*time.Minute)
	}
}

// However it is moved, nothing is applied without the consent that the last policy asks
// for, given to the plan by that policy, and it ends.
func TestMove_NoPathAroundConsent(t *testing.T) {
	t.Parallel()
	seen, moved := map[string]int{}, 0
	for seed := range uint64(400) {
		b, before := newBallot(t, seed), moved
		b.votes()
		b.moves(&moved)
		b.ExecuteWorkflow(workflows.GrantType, workflows.GrantInput{
			Principal: access.PrincipalSelector{Kind: access.User, ID: "7"}, Role: access.RoleSelector{ID: "2"},
			Scope: access.ScopeSelector{Level: access.Tenant}, Requester: person(0),
		})
		require.True(t, b.IsWorkflowCompleted(), "seed %d: it outlives its deadline", seed)
		require.NoError(t, b.GetWorkflowError(), "seed %d", seed)
		var got workflows.RequestResult
		require.NoError(t, b.GetWorkflowResult(&got))
		if moved > before {
			seen[got.State]++
		}
		denied := slices.ContainsFunc(b.counted, func(d access.Decision) bool { return d.Action == "deny" })
		require.Equal(t, got.State == "granted", b.applied == 1, "seed %d: %s", seed, got.State)
		require.Equal(t, got.State == "denied", denied, "seed %d: %s", seed, got.State)
	}
	for _, state := range []string{"granted", "denied", "timedOut"} {
		require.Greater(t, seen[state], 10, "the walks must reach every end after a move: %v", seen)
	}
}
