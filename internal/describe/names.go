package describe

import (
	"cmp"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// Directory knows names by id, such as those of the last sync; "" for one it does not
// know.
type Directory interface {
	Role(id string) string
	Scope(s access.Scope) string // of a site "Account / Site"
}

// Names resolves the ids in plans and proofs to names. The zero value knows none and shows
// ids alone.
type Names struct {
	known  Directory
	role   access.RoleRef
	places []access.ScopeRef // all scopes of the plan
	full   bool              // lists of roles are shown to their end
}

// Full shows lists of roles to their end.
func (n Names) Full() Names {
	n.full = true
	return n
}

// NewNames resolves ids by the names in the plan, if there is one, else by the directory,
// which may be nil.
func NewNames(known Directory, plan *access.Plan) Names {
	n := Names{known: known}
	if plan != nil {
		n.role, n.places = plan.Role, plan.AllScopes()
	}
	return n
}

// Role is a role with its id: "SOC (302)".
func (n Names) Role(id string) string {
	called := ""
	if n.known != nil {
		called = n.known.Role(id)
	}
	if id == n.role.ID {
		called = n.role.Name
	}
	return Named(called, id)
}

// Scope is a scope with its level and id: "site Acme / Berlin (9)", "the tenant".
func (n Names) Scope(s access.Scope) string {
	if s.Level == access.Tenant {
		return "the tenant"
	}
	called := ""
	if n.known != nil {
		called = n.known.Scope(s)
	}
	for _, p := range n.places {
		if s.Level == p.Level && s.ID == p.ID {
			called = p.Name
		}
	}
	return name(string(s.Level)) + " " + Named(called, s.ID)
}

// maxRoles is how many roles of a principal are listed.
const maxRoles = 20

// Holdings lists the roles that a principal holds, one a line, at most 20 and then how
// many more there are; "nothing" for none. Of a list that was left out, it says how many there are.
func (n Names) Holdings(h access.Holdings) []string {
	if h.IsBrief() {
		return []string{fmt.Sprintf("%s at %s level (list %.12s: `starter show --full` prints it)",
			Plural(h.Len(), "role"), name(string(h.Level)), h.Digest)}
	}
	if len(h.Held) == 0 {
		return []string{"nothing"}
	}
	var out []string
	for i, held := range h.Held {
		if i == maxRoles && !n.full {
			return append(out, fmt.Sprintf("and %d more", len(h.Held)-i))
		}
		at := access.Scope{Level: h.Level, ID: held.ScopeID}
		out = append(out, n.Role(held.RoleID)+" at "+n.Scope(at))
	}
	return out
}

// Named is a name with its id, "SOC (302)", or the one of the two that is known.
func Named(called, id string) string {
	if called == "" || id == "" {
		return name(cmp.Or(called, id))
	}
	return fmt.Sprintf("%s (%s)", name(called), name(id))
}

// Principal is a principal by kind, name and id: "user ana@example.com (7)".
func Principal(r access.PrincipalRef) string {
	return Kind(r.Kind) + " " + Named(cmp.Or(r.Email, r.Name), r.ID)
}

// Kind is "user" or "service user".
func Kind(k access.Kind) string {
	if k == access.ServiceUser {
		return "service user"
	}
	return "user"
}

// shortPrincipal is a principal by address or name alone.
func shortPrincipal(r access.PrincipalRef) string { return name(cmp.Or(r.Email, r.Name, r.ID)) }

// shortRole is a role by name alone.
func shortRole(r access.RoleRef) string { return name(cmp.Or(r.Name, r.ID)) }

// Person names a person by address; one who is not known is "an unknown person".
func Person(address string) string {
	if address == "" {
		return "an unknown person"
	}
	return address
}
