package activities

import "sentinelone-provisioner/internal/access"

// decideBaseline explains why an offboarding may not leave the role it names, or "". If the
// principal does not hold that role permanently, the offboarding grants it, so it must not
// bypass the approval that a grant would need: a role that only a lease holds is not held. Where
// a grant needs none, the rules of the plan say so.
func (r *Request) decideBaseline(
	plan *access.Plan, found resolved, known access.OwnershipState,
) (string, error) {
	if plan.Op != access.OpReset {
		return "", nil
	}
	seen, _ := known.Absorb(r.rolesShown(*plan, known))
	if seen.Baseline.Holds(plan.Holding()) {
		return "", nil
	}
	asGrant := *plan
	asGrant.Op, asGrant.Terms.AllowLevelChange = access.OpGrant, true
	decided, err := r.evaluatePolicy(asGrant, &found)
	const grants = "the principal does not hold the baseline role permanently, so the offboarding would grant it"
	switch {
	case err != nil:
		return "", err
	case decided.Refusal != "":
		return grants + ", and that is refused: " + decided.Refusal, nil
	case decided.Approval.Required || decided.Approval.Review != nil:
		return grants + ", which needs an approval (" + decided.Approval.Policy + "): " + grantFirst, nil
	}
	plan.Rules.BaselineApproved = true
	return "", nil
}
