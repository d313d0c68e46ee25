package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

const usersPath = "/users"

// Users returns a page of the users that the token can see, with all their roles.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) Users(ctx context.Context, o ListOptions) (Page[access.Principal], error) {
	return list(ctx, c, access.Users, o, decodePage[userRow])
}

// User returns one user. If it does not exist, or the token cannot see it, the error is an
// [*Error] with status 404.
//
//s1:operation GET /web/api/v2.1/users/{user_id}
func (c *Client) User(ctx context.Context, id string) (access.Principal, error) {
	return single[userRow, access.Principal](ctx, c, access.Users, id)
}

type userRow struct {
	principalRow

	Email          text  `json:"email"`
	FullName       text  `json:"fullName"`
	Source         text  `json:"source"`
	EmailVerified  bool  `json:"emailVerified"`
	TwoFAEnabled   bool  `json:"twoFaEnabled"`
	IsSystem       bool  `json:"isSystem"`
	GroupsReadOnly bool  `json:"groupsReadOnly"`
	DateJoined     stamp `json:"dateJoined"` // the only stamp of a user's creation
	LastLogin      stamp `json:"lastLogin"`
}

func (r userRow) item() (access.Principal, int) {
	p, unassigned := r.principal(access.User)
	p.Email, p.Name, p.Source = string(r.Email), string(r.FullName), string(r.Source)
	p.EmailVerified, p.TwoFAEnabled = r.EmailVerified, r.TwoFAEnabled
	p.IsSystem, p.RolesReadOnly = r.IsSystem, r.GroupsReadOnly
	p.CreatedAt, p.LastActiveAt = r.DateJoined.value, r.LastLogin.value
	return p, unassigned
}
