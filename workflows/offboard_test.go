package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

var carol = access.PrincipalSelector{Kind: access.User, Email: "carol@example.com"}

func offboardInput() wire.OffboardInput {
	return wire.OffboardInput{Principal: carol, Mode: wire.ModeDelete, Requester: "bob@example.com"}
}

func offboardPlan(op access.Op) access.Plan {
	return access.Plan{Op: op, Console: host, Principal: access.PrincipalRef{Kind: access.User, ID: "9"}}.Seal()
}

func (s *accounts) plansOffboarding(in wire.PlanInput) *testsuite.MockCallWrapper {
	in.Request, in.Principal, in.Terms = s.info(), carol, access.Terms{Requester: "bob@example.com"}
	return s.on(wire.PlanActivity, in)
}

// applies mocks the principal's writer, whose proof ends the request.
func (s *accounts) applies(op access.Op, outcome access.Outcome) *testsuite.MockCallWrapper {
	return s.OnActivity(wire.ApplyActivity, mock.Anything, mock.MatchedBy(func(in wire.ApplyInput) bool {
		return in.Change.Change.Op == op && in.Close.State == "offboarded" &&
			in.Change.Key == s.id+"#"+snapshot+"/"+string(op) &&
			in.Writer.WorkflowID == wire.PrincipalID(host, access.User, "9")
	})).Return(wire.ApplyResult{
		ChangeAnswer: wire.ChangeAnswer{Proof: access.Proof{Op: op, Outcome: outcome, Reads: []access.Read{}}},
		Receipt:      &access.Receipt{State: "offboarded", Outcome: outcome},
	}, nil).Once()
}

func TestOffboard_Outcomes(t *testing.T) {
	t.Parallel()
	baseline := &wire.Baseline{Role: access.RoleSelector{Name: "Viewer"}, Scope: berlin}
	cases := map[string]struct {
		in      wire.OffboardInput
		plan    wire.PlanInput
		outcome access.Outcome
	}{
		"deleted": {offboardInput(), wire.PlanInput{Op: access.OpDelete}, access.Deleted},
		"gone":    {offboardInput(), wire.PlanInput{Op: access.OpDelete}, access.AlreadyAbsent},
		"baseline": {
			wire.OffboardInput{
				Principal: carol, Mode: wire.ModeBaseline, Baseline: baseline, Requester: "bob@example.com",
			},
			wire.PlanInput{Op: access.OpReset, Role: baseline.Role, Scope: baseline.Scope},
			access.Applied,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAccounts(t, wire.OffboardID("INC-44"))
			s.plansOffboarding(c.plan).Return(wire.PlanResult{Plan: offboardPlan(c.plan.Op)}, nil).Once()
			s.applies(c.plan.Op, c.outcome)
			s.ExecuteWorkflow(wire.OffboardType, c.in)
			require.Equal(t, "offboarded", s.ended().State)
			require.Equal(t, c.outcome, s.ended().Outcome)
		})
	}
}

// Cancelled while it is planned, it ends so; later it is carried through. A writer that
// failed is asked again, for as long as it takes.
func TestOffboard_Cancelled(t *testing.T) {
	t.Parallel()
	s := newAccounts(t, wire.OffboardID("INC-44"))
	s.plansOffboarding(wire.PlanInput{Op: access.OpDelete}).After(time.Hour).
		Return(wire.PlanResult{Plan: offboardPlan(access.OpDelete)}, nil).Maybe()
	s.closes()
	s.at(time.Minute, s.CancelWorkflow)
	s.ExecuteWorkflow(wire.OffboardType, offboardInput())
	require.Equal(t, "cancelled", s.ended().State)

	s = newAccounts(t, wire.OffboardID("INC-44"))
	s.plansOffboarding(wire.PlanInput{Op: access.OpDelete}).
		Return(wire.PlanResult{Plan: offboardPlan(access.OpDelete)}, nil).Once()
	failed := temporal.NewNonRetryableApplicationError("the writer is gone", "Invalid", nil)
	s.OnActivity(wire.ApplyActivity, mock.Anything, mock.Anything).
		Return(wire.ApplyResult{}, failed).Once()
	s.applies(access.OpDelete, access.Deleted)
	s.at(time.Minute, s.CancelWorkflow)
	s.ExecuteWorkflow(wire.OffboardType, offboardInput())
	require.Equal(t, "offboarded", s.ended().State)
}

// deletes has a principal deleted. looks says of each later look whether it is gone.
func deletes(t *testing.T, looks ...bool) (access.Proof, time.Duration) {
	t.Helper()
	s := newTestEnv(t)
	activities.NewPrincipal(nil, nil, nil).Register(s)
	change := wire.ChangeRequest{
		Key: "offboard/INC-44#run/delete", Request: "offboard/INC-44",
		Change: access.Change{Op: access.OpDelete, Lease: access.Lease{ID: "offboard/INC-44#run"}},
	}
	held := access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "7"}}}
	var none access.OwnershipState
	next := none.Apply(change.Change, held).Next
	s.OnActivity(wire.WriteActivity, mock.Anything, mock.Anything).Return(wire.WriteResult{
		Next: next, Proof: access.Proof{
			Op: access.OpDelete, Key: change.Key, Outcome: access.Deleted, Before: held,
			Reads: []access.Read{{Holdings: held}, {Gone: true}},
		},
	}, nil).Once()
	n := 0
	s.OnActivity(wire.ConfirmActivity, mock.Anything, mock.Anything).Return(
		func(context.Context, wire.ConfirmInput) (wire.ConfirmResult, error) {
			read := access.Read{Gone: looks[n]}
			if !read.Gone {
				read.Holdings = held
			}
			n++
			_, drift := next.Absorb(read.Holdings)
			return wire.ConfirmResult{Read: read, Drift: drift, Judged: true, Shown: !read.Gone}, nil
		}).Times(len(looks))
	var answer wire.ChangeAnswer
	s.mustUpdate(0, wire.ChangeUpdate, change, func(got any) { answer, _ = got.(wire.ChangeAnswer) })
	s.ExecuteWorkflow(wire.PrincipalType, wire.PrincipalInput{
		WriterStart: wire.WriterStart{Console: host, Kind: access.User, ID: "9"},
	})
	require.True(t, s.IsWorkflowCompleted())
	require.NoError(t, s.GetWorkflowError())
	return answer.Proof, s.Now().Sub(began)
}

// Gone is read twice, with a pause between. Shown again, however often, it is looked at
// until it is gone: an id is not given twice.
func TestPrincipal_DeletionIsConfirmed(t *testing.T) {
	t.Parallel()
	proof, took := deletes(t, true)
	require.True(t, proof.Confirmed)
	require.Equal(t, access.Deleted, proof.Outcome)
	require.True(t, proof.Reads[1].Gone && proof.Reads[2].Gone, "gone twice")
	require.GreaterOrEqual(t, took, 5*time.Second)

	proof, took = deletes(t, false, false, false, false, false, false, true)
	require.True(t, proof.Confirmed)
	require.Equal(t, access.Deleted, proof.Outcome)
	require.Empty(t, proof.Drift)
	require.Len(t, proof.Reads, 9)
	require.Greater(t, took, 35*time.Second, "the pauses grow")
}
