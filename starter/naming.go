package main

import (
	"cmp"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// naming puts names to the ids in plans and proofs: those the plan itself was made of,
// else those of the last sync.
type naming struct {
	known store.Directory
	role  access.RoleRef
	scope access.ScopeRef
}

func newNaming(known store.Directory, plan *access.Plan) naming {
	n := naming{known: known}
	if plan != nil {
		n.role, n.scope = plan.Role, plan.Scope
	}
	return n
}

func (n naming) roleText(id string) string {
	name := n.known.Role(id)
	if id == n.role.ID {
		name = n.role.Name
	}
	return called(name, id)
}

func (n naming) scopeText(s access.Scope) string {
	if s.Level == access.Tenant {
		return "the tenant"
	}
	name := n.known.Scope(s)
	if s.Level == n.scope.Level && s.ID == n.scope.ID {
		name = n.scope.Name
	}
	return string(s.Level) + " " + called(name, s.ID)
}

// shownRoles is how many roles of a principal are listed.
const shownRoles = 20

// holdings lists what a principal holds, one role a line.
func (n naming) holdings(h access.Holdings) []string {
	if len(h.Held) == 0 {
		return []string{"nothing"}
	}
	var out []string
	for i, held := range h.Held {
		if i == shownRoles {
			return append(out, fmt.Sprintf("and %d more", len(h.Held)-i))
		}
		at := access.Scope{Level: h.Level, ID: held.ScopeID}
		out = append(out, n.roleText(held.RoleID)+" at "+n.scopeText(at))
	}
	return out
}

// called is a name with its id, or the id alone.
func called(name, id string) string {
	if name == "" || id == "" {
		return cmp.Or(name, id)
	}
	return fmt.Sprintf("%s (%s)", name, id)
}

// refText is a principal by its kind, its name and its id.
func refText(r access.PrincipalRef) string {
	word := "user "
	if r.Kind == access.ServiceUser {
		word = "service user "
	}
	return word + called(cmp.Or(r.Email, r.Name), r.ID)
}

// what says in words what a plan is for: "give user … role SOC (302) at site …".
func what(plan access.Plan) string {
	n := newNaming(store.Directory{}, &plan)
	who, role := refText(plan.Principal), "role "+n.roleText(plan.Role.ID)
	at := n.scopeText(access.Scope{Level: plan.Scope.Level, ID: plan.Scope.ID})
	switch plan.Op {
	case access.OpGrant:
		return fmt.Sprintf("give %s %s at %s, for good", who, role, at)
	case access.OpAcquire:
		return fmt.Sprintf("give %s %s at %s, for %s", who, role, at, plan.Terms.Duration)
	case access.OpRevoke:
		return fmt.Sprintf("take %s at %s away from %s", role, at, who)
	case access.OpReset:
		return fmt.Sprintf("leave %s %s at %s and nothing else", who, role, at)
	case access.OpDelete:
		return "delete " + who
	case access.OpCreate:
		return fmt.Sprintf("make %s with %s at %s", who, role, at)
	case access.OpRelease:
	}
	return fmt.Sprintf("%s: %s, %s at %s", plan.Op, who, role, at)
}
