package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// baselineRefusal says why an offboarding may not leave the role it names, or "". Where
// the principal does not hold that role, leaving it is giving it: nobody gets a role by
// being offboarded that a grant would need consent for.
func (r *Request) baselineRefusal(
	ctx context.Context, in wire.PlanInput, plan access.Plan, found resolved,
) (string, error) {
	if plan.Op != access.OpReset || plan.Before.Holds(plan.Holding()) {
		return "", nil
	}
	plan.Op, plan.Terms.AllowLevelChange = access.OpGrant, true
	asked, err := r.evaluatePolicy(ctx, in, plan, &found)
	const given = "the baseline role is one that the principal does not hold now, so the offboarding would grant it"
	switch {
	case err != nil:
		return "", err
	case asked.Refusal != "":
		return given + ", and that is refused: " + asked.Refusal, nil
	case asked.Approval.Required || asked.Approval.Review != nil:
		return given + ", which needs an approval (" + asked.Approval.Policy + "): " +
			"grant it first with `starter grant`, or offboard with --delete", nil
	}
	return "", nil
}
