package policy

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// DecideExtension decides about an extension of a grant: who must approve it, and why it is
// refused. The policy must be the one that the grant's plan follows, and in the input of that
// plan, with what is known of role and scope. total is the time from the start of the grant
// to its new end, and at when it is asked for.
//
// It is decided for who asks and for who requested the grant. Where the policy asks nobody,
// although the grant needed an approval or a review, the same people are asked as then.
func (p *Policy) DecideExtension(
	in Input, plan access.Plan, asker string, total access.Duration, at time.Time,
) (Result, error) {
	in.Op, in.Duration, in.BreakGlass, in.NewAccount, in.Now = OpExtend, total, false, false, at
	in.LevelChange = false // it was moved when the grant was given
	out, err := p.evaluateFor(in, asker)
	if err != nil || out.Refusal != "" {
		return out, err
	}
	if access.Fold(asker) != access.Fold(plan.Terms.Requester) {
		requester, err := p.evaluateFor(in, plan.Terms.Requester)
		if err != nil || requester.Refusal != "" {
			return requester, err
		}
		if !out.Approval.Required {
			out = requester
		}
	}
	if !out.Approval.Required {
		out.Approval = askedAsBefore(out.Approval, plan.Approval)
	}
	return out, nil
}

func (p *Policy) evaluateFor(in Input, requester string) (Result, error) {
	in.Requester = requester
	return p.Evaluate(in)
}

// askedAsBefore is the approval that a grant needed, or that its review needs.
func askedAsBefore(none, of access.Approval) access.Approval {
	switch {
	case of.Required:
		return of
	case of.Review != nil:
		out := of
		out.Required, out.Review, out.DecideWithin = true, nil, of.Review.Within
		out.Steps = []access.ApprovalStep{of.Review.ApprovalStep}
		return out
	}
	return none
}
