package activities

import (
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/policy"
)

// Following says by which policy requests are planned, instead of the built-in one; nil
// leaves that in place.
func (r *Request) Following(p *policy.Policy) *Request {
	if p != nil {
		r.policy = p
	}
	return r
}

// evaluatePolicy asks the policy about a plan, and records in it what it says: who must
// approve, how far the change may go, and why not, if so. How accounts end is no matter of
// the rules for changes of roles.
func (r *Request) evaluatePolicy(plan access.Plan, found *resolved) (access.Plan, error) {
	plan.Rules = access.Rules{AllowLevelChange: plan.Terms.AllowLevelChange}
	in := policy.InputFromPlan(plan, r.now())
	in.Role.Predefined, in.RoleNames = found.predefined, found.roleNames()
	in.SetAccounts(found.accounts)
	if found.drift != nil {
		return evaluateRevert(plan, found, in), nil
	}
	answer, err := found.policy.Evaluate(in)
	if err != nil {
		return plan, kinds.New(kinds.Invalid, err)
	}
	plan.Approval, plan.Refusal = answer.Approval, answer.Refusal
	if plan.Op != access.OpDelete && plan.Op != access.OpReset && plan.Op != access.OpRotate {
		plan.Rules = answer.Rules
	}
	found.notes = append(found.notes, answer.Notes...)
	return plan, nil
}
