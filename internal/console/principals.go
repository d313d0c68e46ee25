package console

import "sentinelone-provisioner/internal/access"

// principalRow holds the fields that users and service users share.
type principalRow struct {
	ID         id       `json:"id"`
	Scope      text     `json:"scope"`
	ScopeRoles heldRows `json:"scopeRoles"`
	// APIToken is null or absent without a token. Its value, in the response that creates a
	// service user, is not decoded.
	APIToken struct {
		ExpiresAt stamp `json:"expiresAt"`
	} `json:"apiToken"`
}

// principal converts the shared fields, and counts the scopeRoles that name no role or scope.
func (r principalRow) principal(kind access.Kind) (p access.Principal, unassigned int) {
	p = access.Principal{
		Kind: kind, ID: string(r.ID), Level: access.ParseLevel(string(r.Scope)),
		TokenExpiresAt: r.APIToken.ExpiresAt.value,
	}
	p.Held = r.held(p.Level)
	unassigned = r.ScopeRoles.unnamed + len(r.ScopeRoles.named) - len(p.Held)
	if p.Held = access.NormalizeHeld(p.Held); len(p.Held) == 0 {
		p.Held = nil
	}
	return p, unassigned
}

// held converts the roles at the principal's level. At tenant level a role has no scope id, so
// any id is dropped. Below it, an entry without scope id is left out.
func (r principalRow) held(level access.Level) []access.HeldRole {
	kept := make([]access.HeldRole, 0, len(r.ScopeRoles.named))
	for _, h := range r.ScopeRoles.named {
		if level == access.Tenant {
			h.ScopeID = ""
		}
		if h.ScopeID == "" && level != access.Tenant {
			continue
		}
		kept = append(kept, h)
	}
	return kept
}
