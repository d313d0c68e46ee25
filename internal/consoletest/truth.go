package consoletest

import (
	"cmp"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Truth is the expected result of a sync: all entities, sorted by id, each principal's roles
// normalized.
type Truth struct {
	Accounts   []access.Account   `json:"accounts"`
	Sites      []access.Site      `json:"sites"`
	Roles      []access.Role      `json:"roles"`
	Principals []access.Principal `json:"principals"` // users and service users
}

// Assignments returns every assignment, in the order of the principals.
func (t Truth) Assignments() []access.Assignment {
	var out []access.Assignment
	for _, p := range t.Principals {
		out = append(out, p.Assignments()...)
	}
	return out
}

// Truth returns a copy of the console's current state.
func (c *Console) Truth() Truth {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := Truth{Principals: make([]access.Principal, 0, len(c.users.records)+len(c.serviceUsers.records))}
	each(&c.accounts, func(a *account) { t.Accounts = append(t.Accounts, a.truth()) })
	each(&c.sites, func(s *site) { t.Sites = append(t.Sites, s.truth()) })
	each(&c.roles, func(r *role) { t.Roles = append(t.Roles, r.truth()) })
	each(&c.users, func(p *principal) { t.Principals = append(t.Principals, p.truth()) })
	each(&c.serviceUsers, func(p *principal) { t.Principals = append(t.Principals, p.truth()) })
	slices.SortFunc(t.Principals, func(a, b access.Principal) int { return cmp.Compare(a.ID, b.ID) })
	return t
}

func (a *account) truth() access.Account {
	return access.Account{ID: text(a.id), Name: a.name, State: a.state}
}

func (s *site) truth() access.Site {
	return access.Site{
		ID: text(s.id), Name: s.name, State: s.state,
		AccountID: text(s.account.id), AccountName: s.account.name,
	}
}

func (r *role) truth() access.Role {
	return access.Role{
		ID: text(r.id), Name: r.name, Description: r.description,
		Predefined: r.predefined, Scope: r.scope, ScopeID: text(r.scopeID),
	}
}

func (p *principal) truth() access.Principal {
	out := access.Principal{
		Kind: p.kind, ID: text(p.id), Email: p.email, Name: p.name, Description: p.description,
		Level: p.level, Source: p.source, EmailVerified: p.emailVerified, TwoFAEnabled: p.twoFA,
		IsSystem: p.isSystem, RolesReadOnly: p.readOnly, CreatedAt: p.created.pointer(),
		TokenExpiresAt: p.tokenExpires.pointer(), LastActiveAt: p.lastActive.pointer(),
	}
	for _, h := range p.held {
		out.Held = append(out.Held, access.HeldRole{RoleID: text(h.role), ScopeID: text(h.scope)})
	}
	out.Held = access.NormalizeHeld(out.Held)
	return out
}
