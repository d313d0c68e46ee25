package console

import (
	"context"
	"errors"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

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
func (r principalRow) held(level access.Level) []access.Held {
	kept := make([]access.Held, 0, len(r.ScopeRoles))
	for _, h := range r.ScopeRoles {
		if level == access.Tenant {
			h.ID = ""
		}
		if h.RoleID == "" || h.ID == "" && level != access.Tenant {
			continue
		}
		kept = append(kept, access.Held{RoleID: string(h.RoleID), ScopeID: string(h.ID)})
	}
	return kept
}

// principal gets one by its own path.
func principal[R row[access.Principal]](
	ctx context.Context, c *Client, path, id string,
) (access.Principal, error) {
	r := request{method: http.MethodGet, path: path + "/" + id}
	if err := checkID(id); err != nil {
		r.path = path + "/{id}"
		return access.Principal{}, r.failed(KindNotSent, err)
	}
	var p access.Principal
	err := c.do(ctx, r, func(body []byte) (err error) {
		p, err = decodePrincipal[R](body, id)
		return err
	})
	return p, err
}

func decodePrincipal[R row[access.Principal]](body []byte, id string) (access.Principal, error) {
	data, err := decodeData[R](body)
	if err != nil {
		return access.Principal{}, err
	}
	p, _ := data.item()
	if p.ID != id {
		return access.Principal{}, errors.New("it is about another id than the one asked for")
	}
	return p, nil
}
