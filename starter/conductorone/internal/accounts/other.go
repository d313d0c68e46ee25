package accounts

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

// await has a request carried out, as [Requests] does. It fails if what runs under its id is about something else.
func (c *Config) await(
	ctx context.Context, r requestclient.NewRequest, until func(wire.RequestStatus) bool,
) (requestrecord.Observation, ledger.Run, error) {
	seen, run, err := c.Requests.Await(ctx, r, until)
	if err == nil && isOther(r, seen) {
		err = explain.Newf(codes.FailedPrecondition, "%s is the id of a request for something else, which the "+
			"connector did not start: see `starter show %[1]s`, and find out who did", r.ID)
	}
	return seen, run, err
}

// isOther reports whether a request that was attached to is about something else, as far as its plan is known: anybody
// who may start requests can start one under the id that ConductorOne's would have. Reasons may differ, and what a
// second task says of the same account.
func isOther(r requestclient.NewRequest, seen requestrecord.Observation) bool {
	plan := planOf(seen)
	return plan.Op != "" && isOtherPlan(r, plan)
}

func isOtherPlan(r requestclient.NewRequest, plan access.Plan) bool {
	of, is := r.Input.(interface{ Spec() access.RequestSpec })
	if !is {
		return false
	}
	want := of.Spec()
	if plan.Terms.Duration != want.Terms.Duration || !sameAccount(want.Account, plan.Account) {
		return true
	}
	return slices.ContainsFunc(want.Differences(plan), func(what string) bool {
		return what != "terms" && what != "token" && what != "account"
	})
}

// sameAccount reports whether both are the same account to create, or none.
func sameAccount(a, b *access.NewAccount) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && access.Fold(a.Email) == access.Fold(b.Email) &&
		(a.Kind == access.User || access.FoldLabel(a.Name) == access.FoldLabel(b.Name))
}
