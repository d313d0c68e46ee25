package workflows_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
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
		got, denied := b.walk(seed)
		if moved > before {
			seen[got.State]++
		}
		require.Equal(t, got.State == "granted", b.applied == 1, "seed %d: %s", seed, got.State)
		require.Equal(t, got.State == "denied", denied, "seed %d: %s", seed, got.State)
	}
	for _, state := range []string{"granted", "denied", "timedOut"} {
		require.Greater(t, seen[state], 10, "the walks must reach every end after a move: %v", seen)
	}
}
