package activities

import "sentinelone-provisioner/internal/access"

// baselineRefusal explains why an offboarding may not leave the role it names, or "". If the
// principal does not hold that role, the offboarding grants it, so it must not bypass the
// approval that a grant would need.
func (r *Request) baselineRefusal(plan access.Plan, found resolved) (string, error) {
	if plan.Op != access.OpReset || plan.Before.Holds(plan.Holding()) {
		return "", nil
	}
	plan.Op, plan.Terms.AllowLevelChange = access.OpGrant, true
	decided, err := r.evaluatePolicy(plan, &found)
	const grants = "the baseline role is one that the principal does not hold now, so the offboarding would grant it"
	switch {
	case err != nil:
		return "", err
	case decided.Refusal != "":
		return grants + ", and that is refused: " + decided.Refusal, nil
	case decided.Approval.Required || decided.Approval.Review != nil:
		return grants + ", which needs an approval (" + decided.Approval.Policy + "): " +
			"grant it first with `starter grant`, or offboard with --delete", nil
	}
	return "", nil
}
