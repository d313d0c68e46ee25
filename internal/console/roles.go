package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// RoleRow is a role with the number of its holders.
type RoleRow struct {
	access.Role

	// UsersInRoles is the number of users who hold the role; nil when the console does not
	// say. Whether service users count is not verified.
	UsersInRoles *int
}

// Roles returns a page of the roles that the token can see, including those of lower and higher
// scopes. Several roles may have the same name.
//
//s1:operation GET /web/api/v2.1/rbac/roles
func (c *Client) Roles(ctx context.Context, o ListOptions) (Page[RoleRow], error) {
	return list(ctx, c, access.Roles, o, decodePage[roleRow])
}

type roleRow struct {
	ID             id    `json:"id"`
	Name           text  `json:"name"`
	Description    text  `json:"description"`
	PredefinedRole bool  `json:"predefinedRole"`
	Scope          text  `json:"scope"` // "Site" here, "site" on users
	ScopeID        id    `json:"scopeId"`
	UsersInRoles   count `json:"usersInRoles"`
}

func (r roleRow) item() (RoleRow, int) {
	role := access.Role{
		ID: string(r.ID), Name: string(r.Name), Description: string(r.Description),
		Predefined: r.PredefinedRole, Scope: access.ParseLevel(string(r.Scope)), ScopeID: string(r.ScopeID),
	}
	// Expected to be null then (inferred); package access requires an empty scope id.
	if role.Predefined || role.Scope == access.Tenant {
		role.ScopeID = ""
	}
	return RoleRow{Role: role, UsersInRoles: r.UsersInRoles.value}, 0
}
