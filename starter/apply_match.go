package main

import (
	"cmp"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// plan is what the request that was seen comes to; zero where it was never planned.
func (g observation) plan() access.Plan {
	switch {
	case g.status != nil && g.status.Plan != nil:
		return *g.status.Plan
	case g.result != nil && g.result.Receipt != nil:
		return g.result.Receipt.Plan
	}
	return access.Plan{}
}

// isThat fails if the plan is for something else than the line: somebody has used its
// id before. What was never planned may be the line's.
func (c fileChange) isThat(plan access.Plan) error {
	if plan.Principal.ID == "" || c.means(plan) {
		return nil
	}
	return fmt.Errorf("id %s was used before for something else, to %s: give the line another id",
		c.id, describe.Plan(plan))
}

func (c fileChange) means(plan access.Plan) bool {
	op, lasts := access.OpRevoke, access.Duration(0)
	if c.Action == "grant" {
		op = access.OpGrant
		if c.want.Duration != nil {
			op, lasts = access.OpAcquire, *c.want.Duration
		}
	}
	who, scope := c.want.Principal, c.want.Scope
	return plan.Op == op && plan.Terms.Duration == lasts && plan.Terms.BreakGlass == c.want.BreakGlass &&
		plan.Principal.Kind == who.Kind && plan.Scope.Level == scope.Level &&
		is(who.ID, plan.Principal.ID) && is(strings.ToLower(who.Email), strings.ToLower(plan.Principal.Email)) &&
		is(who.Name, plan.Principal.Name) &&
		is(c.want.Role.ID, plan.Role.ID) && is(c.want.Role.Name, plan.Role.Name) &&
		is(scope.ID, plan.Scope.ID) && (is(scope.Name, plan.Scope.Name) || isSite(scope.Name, plan.Scope.Name))
}

// is says that a value is the wanted one, or that none is wanted.
func is(wanted, value string) bool { return cmp.Or(wanted, value) == value }

// isSite says that a site, written without its account, is the one of a full name.
func isSite(wanted, full string) bool { return strings.HasSuffix(full, " / "+wanted) }
