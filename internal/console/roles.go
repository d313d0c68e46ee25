package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// RoleRow is a role with what the console says about its holders.
type RoleRow struct {
	access.Role

	// UsersInRoles is how many users hold the role; nil when the console does not
	// say. Whether service users count is not verified.
	UsersInRoles *int
}

// Roles lists every role that the token can see, those of lower and higher scopes
// included. Names repeat across scopes.
//
//s1:operation GET /web/api/v2.1/rbac/roles
func (c *Client) Roles(ctx context.Context, o ListOptions) (Page[RoleRow], error) {
	return list(ctx, c, access.Roles, "", o, scanRole)
}

func scanRole(s *scanner, page *Page[RoleRow]) {
	var r RoleRow
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			r.ID = s.id()
		case "name":
			r.Name = s.text()
		case "description":
			r.Description = s.text()
		case "predefinedRole":
			r.Predefined = s.flag()
		case "scope": // "Site" here, "site" on users
			r.Scope = access.ParseLevel(s.text())
		case "scopeId":
			r.ScopeID = s.id()
		case "usersInRoles":
			r.UsersInRoles = s.count()
		default:
			s.skip()
		}
	})
	s.needID(r.ID)
	// Expected to be null then (inferred); the domain wants it empty in any case.
	if r.Predefined || r.Scope == access.Tenant {
		r.ScopeID = ""
	}
	page.Items = append(page.Items, r)
}
