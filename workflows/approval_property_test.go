package workflows_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// approvalModel is one random run of a grant that waits for people.
type approvalModel struct {
	*testsuite.TestWorkflowEnvironment

	t           *testing.T
	rand        *rand.Rand
	plan        access.Plan
	changes     int // of the principal, before it is applied
	applied     int
	counted     []access.Decision // for the plan as it is, as the updates answered
	asked       time.Time         // when people were asked about it, at the earliest
	mu          sync.Mutex
	delegations []access.Delegation
	closed      *wire.CloseInput
}

const approverCount = 5

func person(n int) string { return fmt.Sprintf("p%d@example.com", n) }

func newApprovalModel(t *testing.T, seed uint64) *approvalModel {
	t.Helper()
	b := newUnmockedModel(t, seed)
	b.mocks()
	return b
}

// newUnmockedModel is one whose activities are not mocked yet.
func newUnmockedModel(t *testing.T, seed uint64) *approvalModel {
	t.Helper()
	b := &approvalModel{TestWorkflowEnvironment: newEnvironment(), t: t, rand: rand.New(rand.NewPCG(seed, 3))}
	activities.NewRequest(nil, nil).Register(b)
	b.changes = b.rand.IntN(3) - 1
	b.plan = access.Plan{
		Op: access.OpGrant, Console: host, Principal: access.PrincipalRef{Kind: access.User, ID: "7"},
		Role: access.RoleRef{ID: "2"}, Scope: access.ScopeRef{Level: access.Tenant}, Approval: b.approval(),
	}
	return b
}

// approval has one or two steps, each of some people who may include the requester.
func (b *approvalModel) approval() access.Approval {
	out := access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour),
		RemindEvery: access.Duration(20 * time.Minute),
	}
	for range 1 + b.rand.IntN(2) {
		var people []string
		for n := range approverCount {
			if b.rand.IntN(3) > 0 {
				people = append(people, person(n))
			}
		}
		people = append(people, person(approverCount)) // somebody may always
		out.Steps = append(out.Steps, access.ApprovalStep{
			Need: 1 + b.rand.IntN(2), Groups: []string{"some"}, People: people,
		})
	}
	b.addEscalation(&out)
	return out
}

func (b *approvalModel) mocks() {
	b.OnActivity(wire.PlanActivity, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in wire.PlanInput) (wire.PlanResult, error) {
			b.plan.Terms = in.Terms
			b.counted, b.asked = nil, b.Now()
			return wire.PlanResult{Plan: b.plan.Seal()}, nil
		})
	b.OnActivity(wire.DecideActivity, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
			return b.answerDecide(in), nil
		})
	b.OnActivity(wire.ApplyActivity, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
			return b.apply(in), nil
		}).Maybe()
	b.OnActivity(wire.CloseActivity, mock.Anything, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			b.closed = &in
			return wire.CloseResult{Receipt: access.Receipt{State: in.State}}, nil
		}).Maybe()
}

// apply checks that whatever reaches the console has the approval it needs.
func (b *approvalModel) apply(in wire.ApplyInput) wire.ApplyResult {
	require.True(b.t, b.isApproved(), "applied without approval: %+v of %+v", b.counted, b.plan.Approval.Steps)
	if b.changes > 0 {
		b.changes--
		b.plan.Before = access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: fmt.Sprint(b.changes)}}}
		return wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{
			Proof: access.Proof{Outcome: access.PlanChanged},
		}}
	}
	b.applied++
	return wire.ApplyResult{
		ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{Outcome: access.Applied}},
		Receipt:      &access.Receipt{State: in.Close.State, Outcome: access.Applied},
	}
}

// isApproved is the rule, said once more: each step in turn has enough distinct people
// who may decide it, none of them the requester, and nobody has denied it.
func (b *approvalModel) isApproved() bool {
	step, given := 0, 0
	var seen []string
	for _, d := range b.counted {
		if d.Action != "approve" || step == len(b.plan.Approval.Steps) || !b.isEligible(step, d) {
			return false
		}
		for _, who := range []string{fold(d.By), fold(d.OnBehalfOf)} {
			if who != "" && (who == person(0) || slices.Contains(seen, who)) {
				return false
			}
			seen = append(seen, who)
		}
		if given++; given == b.plan.Approval.Steps[step].Need {
			step, given = step+1, 0
		}
	}
	return step == len(b.plan.Approval.Steps)
}

// sendRandomDecisions sends random messages at random times, some of them after the deadline.
func (b *approvalModel) sendRandomDecisions() {
	for i := range 4 + b.rand.IntN(16) {
		update := "approve"
		if b.rand.IntN(9) == 0 {
			update = "deny"
		}
		by := person(b.rand.IntN(approverCount + 3)) // the last two are asked by escalation at most
		if b.rand.IntN(3) == 0 {
			by = " " + strings.ToUpper(by) + " "
		}
		b.RegisterDelayedCallback(func() {
			b.UpdateWorkflow(update, fmt.Sprint(i), &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(error) {},
				OnComplete: func(got any, err error) {
					if err == nil {
						b.counted = append(b.counted, got.(access.Decision))
					}
				},
			}, wire.DecisionInput{By: by})
		}, time.Duration(b.rand.IntN(80))*time.Minute)
	}
}

// runToEnd runs the grant to its end, which must come, and says whether a denial counted.
func (b *approvalModel) runToEnd(seed uint64) (got wire.RequestResult, denied bool) {
	b.t.Helper()
	b.ExecuteWorkflow(wire.GrantType, wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: "7"}, Role: access.RoleSelector{ID: "2"},
		Scope: access.ScopeSelector{Level: access.Tenant}, Requester: person(0),
	})
	require.True(b.t, b.IsWorkflowCompleted(), "seed %d: it outlives its deadline", seed)
	require.NoError(b.t, b.GetWorkflowError(), "seed %d", seed)
	require.NoError(b.t, b.GetWorkflowResult(&got))
	return got, slices.ContainsFunc(b.counted, func(d access.Decision) bool { return d.Action == "deny" })
}

// Whatever is decided, by whom and when: nothing is applied without the approval that
// the plan needs, nothing after a denial, and nothing stays undecided beyond its time.
func TestApproval_NoPathAroundIt(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(400) {
		b := newApprovalModel(t, seed)
		b.sendRandomDecisions()
		b.delegateAtRandom()
		got, denied := b.runToEnd(seed)
		seen[got.State]++
		switch got.State {
		case "granted":
			require.Equal(t, 1, b.applied, "seed %d", seed)
			require.False(t, denied, "seed %d: granted after a denial", seed)
			b.countWays(seen)
		case "denied":
			require.True(t, denied, "seed %d", seed)
			require.Zero(t, b.applied, "seed %d", seed)
		case "timedOut":
			require.False(t, b.isApproved(), "seed %d", seed)
			require.Zero(t, b.applied, "seed %d", seed)
		default:
			require.Fail(t, "unexpected end", "seed %d: %s", seed, got.State)
		}
	}
	for _, state := range []string{"granted", "denied", "timedOut", "delegated", "escalated"} {
		require.Greater(t, seen[state], 10, "the walks must reach every end: %v", seen)
	}
}
