package accounts

import (
	"context"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
)

// existing is the account that an earlier run of the same request has created or found, if it still has its role. Then
// there is nothing to request: people who have approved the account would be asked once more for it. The dry run asks
// the console; it counts only together with the ledger, since it comes from Temporal. What cannot be found out holds up
// no request, which proves what is so.
func (c *Config) existing(ctx context.Context, in creation) (access.PrincipalRef, bool, error) {
	runs, err := c.Ledger.Runs(ctx, in.ID)
	if err != nil {
		return access.PrincipalRef{}, false, err
	}
	for _, r := range slices.Backward(runs) {
		plan := r.Plan.Plan
		if !isCreated(r) || isOtherPlan(in.NewRequest, plan) {
			continue
		}
		who, made := created(r)
		if !made {
			who = named(plan.Principal, in.account)
		}
		last, err := c.Ledger.Latest(ctx, who)
		if err != nil || !last.Holds(plan.Holding()) {
			return who, false, err
		}
		now, err := c.Requests.DryRun(ctx, requestclient.NewRequest{
			Type: in.Type, ID: in.ID, Input: in.look, Summary: "look before creating an account again",
		})
		return who, err == nil && now.Principal.ID == who.ID && now.Before.Holds(plan.Holding()), nil
	}
	return access.PrincipalRef{}, false, nil
}
