package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
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
// consent, how far the change may go, and why not, if so. Policies are about who gets and
// loses roles, a new account's included, not about how accounts end. A request that is
// planned anew follows the policy it was planned by before.
func (r *Request) evaluatePolicy(
	ctx context.Context, in wire.PlanInput, plan access.Plan, found *resolved,
) (access.Plan, error) {
	plan.Approval = access.NoApproval()
	plan.Rules = access.Rules{AllowLevelChange: plan.Terms.AllowLevelChange}
	if plan.Op == access.OpDelete || plan.Op == access.OpReset {
		return plan, nil
	}
	follows, note, err := r.recordedPolicy(ctx, in.Policy)
	if err != nil {
		return plan, err
	}
	if note != "" {
		found.notes = append(found.notes, note)
	}
	q := policy.InputFromPlan(plan, r.now())
	q.Role.Predefined, q.RoleNames = found.predefined, map[string]string{}
	for _, role := range found.roles {
		q.RoleNames[role.ID] = role.Name
	}
	if plan.Scope.Level == access.SiteLevel {
		q.Scope.Account = found.account
	}
	answer, err := follows.Evaluate(q)
	if err != nil {
		return plan, kinds.New(kinds.Invalid, err)
	}
	plan.Approval, plan.Rules, plan.Refusal = answer.Approval, answer.Rules, answer.Refusal
	found.notes = append(found.notes, answer.Notes...)
	return plan, nil
}
