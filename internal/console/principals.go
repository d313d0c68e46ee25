package console

import "sentinelone-provisioner/internal/access"

// principalRow is what users and service users have in common.
type principalRow struct {
	ID         id        `json:"id"`
	Scope      text      `json:"scope"`
	ScopeRoles []heldRow `json:"scopeRoles"`
	// APIToken is null or absent without a token. Its value (in the answer that
	// creates a service user) has no field.
	APIToken struct {
		ExpiresAt stamp `json:"expiresAt"`
	} `json:"apiToken"`
}

// heldRow is one of scopeRoles, where id is the scope and roleId the role. roleName
// and name have no field: the first is null for custom roles, the second is the
// scope's.
type heldRow struct {
	ID     id `json:"id"`
	RoleID id `json:"roleId"`
}

// principal fills what both kinds have, and counts the scopeRoles that say nothing.
func (r principalRow) principal(kind access.Kind) (p access.Principal, unassigned int) {
	p = access.Principal{
		Kind: kind, ID: string(r.ID), Level: access.ParseLevel(string(r.Scope)),
		TokenExpiresAt: r.APIToken.ExpiresAt.value,
	}
	p.Held = r.held(p.Level)
	unassigned = len(r.ScopeRoles) - len(p.Held)
	if p.Held = access.NormalizeHeld(p.Held); len(p.Held) == 0 {
		p.Held = nil
	}
	return p, unassigned
}

// held settles what the roles mean at the principal's level: a tenant role has no
// scope id, whatever stands there, and below tenant level one without says nothing.
func (r principalRow) held(level access.Level) []access.HeldRole {
	kept := make([]access.HeldRole, 0, len(r.ScopeRoles))
	for _, h := range r.ScopeRoles {
		if level == access.Tenant {
			h.ID = ""
		}
		if h.RoleID == "" || h.ID == "" && level != access.Tenant {
			continue
		}
		kept = append(kept, access.HeldRole{RoleID: string(h.RoleID), ScopeID: string(h.ID)})
	}
	return kept
}
