package console

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

const usersPath = "/users"

// Users lists the users that the token can see, with every role they hold.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) Users(ctx context.Context, o ListOptions) (Page[access.Principal], error) {
	return list(ctx, c, access.Users, "", o, principalRows(access.User, scanUser))
}

// User gets one user. A user that does not exist, or that the token cannot see,
// is an [*Error] with status 404.
//
//s1:operation GET /web/api/v2.1/users/{user_id}
func (c *Client) User(ctx context.Context, id string) (access.Principal, error) {
	return c.principal(ctx, access.User, usersPath, id, scanUser)
}

func scanUser(p *principalRow, s *scanner, key []byte) {
	switch string(key) {
	case "email":
		p.Email = s.text()
	case "fullName":
		p.Name = s.text()
	case "source":
		p.Source = s.text()
	case "emailVerified":
		p.EmailVerified = s.flag()
	case "twoFaEnabled":
		p.TwoFAEnabled = s.flag()
	case "isSystem":
		p.IsSystem = s.flag()
	case "groupsReadOnly":
		p.RolesReadOnly = s.flag()
	case "dateJoined": // the only stamp of a user's creation
		p.CreatedAt = s.stamp()
	case "lastLogin":
		p.LastActiveAt = s.stamp()
	default:
		p.scan(s, key)
	}
}
