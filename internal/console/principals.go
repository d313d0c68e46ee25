package console

import "sentinelone-provisioner/internal/access"

// principalRow holds the fields that users and service users share.
type principalRow struct {
	ID         id        `json:"id"`
	Scope      text      `json:"scope"`
	ScopeRoles []heldRow `json:"scopeRoles"`
	// APIToken is null or absent without a token. Its value, in the response that creates a
	// service user, is not decoded.
	APIToken struct {
		ExpiresAt stamp `json:"expiresAt"`
	} `json:"apiToken"`
}

// heldRow is one entry of scopeRoles: id is the scope, roleId the role. roleName and name are not
// decoded: the first is null for custom roles, the second is the scope's.
type heldRow struct {
	ID     id `json:"id"`
	RoleID id `json:"roleId"`
}

// principal converts the shared fields, and counts the scopeRoles that name no role or scope.
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

// held converts the roles at the principal's level. At tenant level a role has no scope id, so
// any id is dropped. Below it, an entry without scope id is left out.
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
