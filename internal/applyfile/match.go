package applyfile

import (
	"cmp"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// CheckPlan fails if the request that has the line's id is for another change by its plan:
// the id was used before. It does not fail for a request without a plan.
func (c Change) CheckPlan(plan access.Plan) error {
	if plan.Principal.ID == "" || c.matches(plan) {
		return nil
	}
	return fmt.Errorf("id %s was used before for another change, to %s: give the line another id",
		c.ID, describe.Plan(plan))
}

func (c Change) matches(plan access.Plan) bool {
	op, lasts := access.OpRevoke, access.Duration(0)
	if c.Action == ActionGrant {
		op = access.OpGrant
		if c.Want.Duration != nil {
			op, lasts = access.OpAcquire, *c.Want.Duration
		}
	}
	who := c.Want.Principal
	return plan.Op == op && plan.Terms.Duration == lasts && plan.Terms.BreakGlass == c.Want.BreakGlass &&
		plan.Principal.Kind == who.Kind &&
		is(who.ID, plan.Principal.ID) && is(access.Fold(who.Email), access.Fold(plan.Principal.Email)) &&
		isCalled(who.Name, plan.Principal.Name) &&
		is(c.Want.Role.ID, plan.Role.ID) && isCalled(c.Want.Role.Name, plan.Role.Name) && c.atSameScopes(plan)
}

// is reports whether the value is the wanted one; an empty wanted accepts any value.
func is(wanted, value string) bool { return cmp.Or(wanted, value) == value }

// isCalled is [is] for names, which the worker also finds by other blanks and by quotes.
func isCalled(wanted, name string) bool {
	return wanted == "" || len(access.Named([]string{name}, wanted, func(n string) []string { return []string{n} })) > 0
}

// isSite reports whether wanted, a site without its account, is the site of the full name.
func isSite(wanted, full string) bool {
	parts := strings.Split(full, " / ")
	for i := range parts {
		if isCalled(wanted, strings.Join(parts[i:], " / ")) {
			return true
		}
	}
	return false
}
