package connection

import (
	"context"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// maxRoles is how many roles of the token's owner are looked up.
const maxRoles = 3

// roleFound is what the roles of the token's owner grant.
type roleFound struct {
	owner string // whose token it is
	roles []console.RolePermissions
}

// ownRole finds the roles of the principal whose token the worker uses; nil where the console does not tell. Whether it
// tells for the token of a service user is not verified; then the one service user whose token ends in the same second
// is taken for the owner, as the latest proven sync has it.
func (a *Activities) ownRole(ctx context.Context) *roleFound {
	owner, err := a.console.Self(ctx)
	if err != nil || owner.ID == "" || len(owner.Held) == 0 {
		if owner = a.ownServiceUser(ctx); owner.ID == "" {
			return nil
		}
	}
	ids := map[string]bool{}
	for _, h := range owner.Held {
		ids[h.RoleID] = true
	}
	if len(ids) == 0 || len(ids) > maxRoles {
		return nil
	}
	out := &roleFound{owner: string(owner.Kind) + " " + owner.ID}
	for id := range ids {
		role, err := a.console.RolePermissions(ctx, id)
		if err != nil {
			return nil
		}
		out.roles = append(out.roles, role)
	}
	slices.SortFunc(out.roles, func(x, y console.RolePermissions) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// ownServiceUser is the one service user whose token ends when the worker's does; zero if there is none, or several.
func (a *Activities) ownServiceUser(ctx context.Context) access.Principal {
	token, err := a.console.TokenDetails(ctx)
	if err != nil || token.ExpiresAt == nil {
		return access.Principal{}
	}
	var found []access.Principal
	err = a.store.ServiceUserTokens(ctx, a.console.Console(), func(p access.Principal) error {
		if p.TokenExpiresAt.Unix() == token.ExpiresAt.Unix() && len(found) < 2 {
			found = append(found, p)
		}
		return nil
	})
	if err != nil || len(found) != 1 {
		return access.Principal{}
	}
	owner, err := a.console.Principal(ctx, access.ServiceUser, found[0].ID) // its roles, which the sync keeps apart
	if err != nil {
		return access.Principal{}
	}
	return owner
}

func (r *roleFound) name() string {
	names := make([]string, len(r.roles))
	for i, role := range r.roles {
		names[i] = role.Name
	}
	return strings.Join(names, ", ")
}

// grants says whether each of the roles grants a permission: at some scope, the owner has no other.
func (r *roleFound) grants(name string) (granted, known bool) {
	if r == nil {
		return false, false
	}
	granted = true
	for _, role := range r.roles {
		has, shown := role.Grants(name)
		if !shown {
			return false, false
		}
		granted = granted && has
	}
	return granted, true
}

// beyond lists the permissions that a role grants and that are none of those allowed.
func (r *roleFound) beyond(allowed []string) []string {
	var out []string
	for _, role := range r.roles {
		for _, name := range role.Beyond(allowed) {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}
