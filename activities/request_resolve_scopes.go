package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// findScopes finds each scope that the request names, in its order.
func (r *Request) findScopes(ctx context.Context, in wire.PlanInput) ([]place, error) {
	wanted := in.Scopes
	if len(wanted) == 0 {
		wanted = []access.ScopeSelector{in.Scope}
	}
	var out []place
	seen := map[access.Scope]access.ScopeSelector{}
	for _, s := range wanted {
		at, err := coalesce(ctx, r.reads, func(ctx context.Context) (place, error) {
			return r.findScope(ctx, s)
		}, in.Op, s)
		if err != nil {
			return nil, err
		}
		key := access.Scope{Level: at.Level, ID: at.ID}
		if other, twice := seen[key]; twice {
			return nil, kinds.New(kinds.Invalid, fmt.Errorf(
				"%s and %s are the same scope, %s: leave one of them out", other, s, scopeText(at.ScopeRef)))
		}
		seen[key] = s
		out = append(out, at)
	}
	return out, nil
}

// setRole finds the role at the scopes of the request, which must be the same one at all of them.
func (found *resolved) setRole(in wire.PlanInput, at []place) error {
	found.scope, found.accounts = at[0].ScopeRef, map[string]string{}
	for i, one := range at {
		role, err := pickRole(found.roles, in.Role, one, in.Op)
		switch {
		case err != nil:
			return err
		case i > 0 && role.ID != found.role.ID:
			return kinds.New(kinds.Invalid, fmt.Errorf("%s is role %s at %s and role %s at %s: name it by its id",
				in.Role, found.role.ID, scopeText(found.scope), role.ID, scopeText(one.ScopeRef)))
		}
		found.role, found.predefined = access.RoleRef{ID: role.ID, Name: role.Name}, role.Predefined
		found.accounts[one.ID] = one.accountID
		if len(in.Scopes) > 0 {
			found.scopes = append(found.scopes, one.ScopeRef)
		}
		if in.Op != access.OpRevoke && !role.UsableAt(access.Scope{Level: one.Level, ID: one.ID}, one.accountID) {
			found.unusable = fmt.Sprintf("role %q (%s) belongs to %s and cannot be granted at %s: "+
				"choose a role of that scope", role.Name, role.ID,
				access.Scope{Level: role.Scope, ID: role.ScopeID}, scopeText(one.ScopeRef))
		}
	}
	return nil
}
