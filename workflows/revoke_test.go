package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// revokePlan is what the plan of a revoke must be asked for.
func revokePlan(in wire.RevokeInput) wire.PlanInput {
	return wire.PlanInput{
		Request: aboutIt, Console: in.Console, DryRun: in.DryRun, Op: access.OpRevoke,
		Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
}

func (r *requestEnv) plansRevoke(in wire.RevokeInput) {
	asks := revokePlan(in)
	r.on(wire.PlanActivity, asks).Return(wire.PlanResult{Plan: planOf(asks)}, nil).After(time.Minute).Once()
}

func (r *requestEnv) revoke(in wire.RevokeInput) wire.RequestResult {
	r.t.Helper()
	r.ExecuteWorkflow(wire.RevokeType, in)
	return r.ended()
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, outcome := range []access.Outcome{access.Removed, access.AlreadyAbsent} {
		r, in := newRequest(t), revokeInput()
		r.plansRevoke(in)
		r.applies(access.OpRevoke, outcome).After(time.Minute).Once()
		seen := map[string]wire.RequestStatus{}
		for state, d := range map[string]time.Duration{"planning": 30 * time.Second, "applying": 90 * time.Second} {
			r.at(d, func() { seen[state] = r.requestStatus() })
		}
		got := r.revoke(in)
		require.Equal(t, "revoked", got.State)
		require.Equal(t, outcome, got.Outcome)
		plan := planOf(revokePlan(in))
		require.Equal(t, []wire.ApplyInput{{
			Request: aboutIt, Writer: writer(),
			Change: wire.ChangeRequest{
				Key: claim + "/revoke", Request: request,
				Change: access.Change{Op: access.OpRevoke, Lease: access.Lease{ID: claim, Holding: soc}},
			},
			Close: &wire.CloseInput{Request: aboutIt, Plan: plan, State: "revoked"},
		}}, r.applied)
		want := wire.RequestStatus{
			State: "planning", Run: snapshot, Request: request, Requester: bobMail, StartedAt: began,
			Proofs: []access.Proof{},
		}
		require.Equal(t, want, seen["planning"])
		want.State, want.Plan = "applying", &plan
		require.Equal(t, want, seen["applying"])
	}
}

func TestRevoke_Refused(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), revokeInput()
	r.plansRevoke(in)
	r.applies(access.OpRevoke, access.LastRoleStays).Once()
	got := r.revoke(in)
	require.Equal(t, "refused", got.State)
	require.Equal(t, access.LastRoleStays, got.Outcome)
	require.Equal(t, "the rules forbid it", got.Message)

	r, in = newRequest(t), revokeInput()
	plan := planOf(revokePlan(in))
	plan.Refusal = "it is not to be"
	r.on(wire.PlanActivity, revokePlan(in)).Return(wire.PlanResult{Plan: plan, Receipt: new(receiptOf(
		wire.CloseInput{Request: aboutIt, Plan: plan, State: "refused", Message: plan.Refusal},
	))}, nil).Once()
	require.Equal(t, plan.Refusal, r.revoke(in).Message)
}

func TestRevoke_PlanFails(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), revokeInput()
	r.on(wire.PlanActivity, revokePlan(in)).Return(failing[wire.PlanInput, wire.PlanResult](
		kinds.New(kinds.Invalid, errDown))).Once()
	r.closes()
	r.ExecuteWorkflow(wire.RevokeType, in)
	require.Equal(t, string(kinds.Invalid), r.failure().Type())
	require.Equal(t, "failed", r.closed[0].State)
	require.Equal(t, access.OpRevoke, r.closed[0].Plan.Op)
}

func TestRevoke_DryRun(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), revokeInput()
	in.DryRun = true
	r.plansRevoke(in)
	r.ExecuteWorkflow(wire.RevokeType, in)
	var got wire.RequestResult
	require.NoError(t, r.GetWorkflowResult(&got))
	require.Equal(t, wire.RequestResult{State: "planned", Plan: new(planOf(revokePlan(in)))}, got)
}

// Cancelled while it is planned it does nothing; once it is being applied it is carried
// through.
func TestRevoke_CancelAtEachStep(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), revokeInput()
	r.plansRevoke(in)
	r.closes()
	r.at(30*time.Second, r.CancelWorkflow)
	got := r.revoke(in)
	require.Equal(t, "cancelled", got.State)
	require.Equal(t, "cancelled in Temporal", got.Message)

	r, in = newRequest(t), revokeInput()
	r.plansRevoke(in)
	r.applies(access.OpRevoke, access.Removed).After(time.Minute).Once()
	r.at(90*time.Second, r.CancelWorkflow)
	require.Equal(t, "revoked", r.revoke(in).State)
}

func TestRevoke_WriterFails(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), revokeInput()
	r.plansRevoke(in)
	r.on(wire.ApplyActivity, mock.MatchedBy(func(in wire.ApplyInput) bool { return in.Try == 0 })).
		Return(failing[wire.ApplyInput, wire.ApplyResult](forbidden())).Once()
	r.applies(access.OpRevoke, access.Removed).Once()
	var waits wire.RequestStatus
	r.at(3*time.Minute, func() { waits = r.requestStatus() })
	r.at(4*time.Minute, r.CancelWorkflow)
	require.Equal(t, "revoked", r.revoke(in).State)
	require.Contains(t, waits.Waiting, "403")
	require.Equal(t, began.Add(6*time.Minute), r.Now().UTC())
	require.Equal(t, 1, r.applied[0].Try)
}
