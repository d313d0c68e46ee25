package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// makePlan finds out what the request means. A cancellation that comes meanwhile waits for
// the answer, which may be that the request is refused.
func (m *machine) makePlan(ctx workflow.Context) (event, error) {
	if err := awaitNextBuildStep(ctx); err != nil {
		return "", err
	}
	out, err := call[wire.PlanResult](shortCall(ctx, "plan"), wire.PlanActivity, m.spec)
	switch {
	case unanswered(ctx, err):
		return "", temporal.NewCanceledError()
	case err != nil && m.plan == nil:
		m.failure = err
		return onFailed, nil
	case err != nil:
		return m.refuse(err), nil
	}
	m.plan, m.notifies, m.indexed, m.receipt = &out.Plan, out.Notify, out.Indexed, out.Receipt
	m.delegations = out.Delegations
	if out.Signature != nil {
		m.signed = out.Signature
	}
	m.mustSign = m.mustSign || out.SignaturesRequired
	switch {
	case out.Receipt != nil:
		return onRefused, nil
	case m.spec.DryRun:
		return onDryRun, nil
	}
	m.approval = m.asks(ctx)
	if m.stop == nil && ctx.Err() == nil && m.plan.Approval.Review == nil && m.approval.Verdict == "" {
		return onApprovalNeeded, nil
	}
	return m.proceed(ctx), nil
}

// asks is the approval of the plan as it is opened now. The review of break-glass is opened
// when the access is in force.
func (m *machine) asks(ctx workflow.Context) approval.State {
	if m.plan.Approval.Review != nil {
		return approval.State{Request: approval.RequestOf(*m.plan)}
	}
	s := approval.New(approval.RequestOf(*m.plan), m.plan.Approval, workflow.Now(ctx))
	if t := m.spec.Terms; s.Verdict == "" && !t.StartAt.IsZero() && t.Duration > 0 && since(ctx, windowsEnd) {
		s = s.WithWindow()
	}
	return s
}

// notAsked is the approval before there is a plan: nobody decides.
func (m *machine) notAsked() approval.State {
	return approval.State{Request: approval.Request{
		Requester: m.spec.Terms.Requester, Op: m.spec.Op, Console: m.spec.Console, Terms: m.spec.Terms,
		NewAccount: m.spec.Account != nil,
	}}
}

// planAgain starts over, since the principal is not as approvers saw it: the next plan
// follows the policy of this one, and needs decisions of its own.
func (m *machine) planAgain() {
	m.proofs = nil
	m.spec.Round++
	m.spec.Policy, m.spec.Decisions = m.plan.Approval.Hash, m.counted
	m.approval = m.notAsked()
}

// refuse ends a request that an activity finally refused. A writer has made sure that
// nothing is left of the change; should it not have, the request is released before it ends.
func (m *machine) refuse(cause error) event {
	m.why = reason(cause)
	return onRefused
}

// unanswered says that an activity has ended without an answer because it was cancelled. The
// server repeats no attempt then: the last one may fail with anything, which is no answer
// unless it is final.
func unanswered(ctx workflow.Context, err error) bool {
	return temporal.IsCanceledError(err) || err != nil && ctx.Err() != nil && !final(err)
}

// sodCheck is what an approval of the plan is checked against; nil where no rule of
// separation of duties applies.
func sodCheck(plan access.Plan) *wire.SoDCheck {
	if len(plan.Rules.Separate) == 0 {
		return nil
	}
	return &wire.SoDCheck{
		Principal: plan.Principal,
		Change: access.Change{
			Op: plan.Op, Lease: access.Lease{Holding: plan.Holding()}, Rules: plan.Rules,
		}.WithScopes(plan),
	}
}
