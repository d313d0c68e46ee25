package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sentinelone-provisioner/internal/access"
)

const serviceUsersPath = "/service-users"

// ServiceUsers returns a page of the service users that the token can see, with all their roles.
//
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) ServiceUsers(ctx context.Context, o ListOptions) (Page[access.Principal], error) {
	return list(ctx, c, access.ServiceUsers, o, decodePage[serviceUserRow])
}

// ServiceUser returns one service user. If it does not exist, or the token cannot see it, the
// error is an [*Error] with status 404.
//
// The vendor's description of 2024 lacks this call; that of 2026 has it. If the response may
// come from a console without the call, the list is requested instead, filtered by id.
//
//s1:operation GET /web/api/v2.1/service-users/{service_user_id}
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) ServiceUser(ctx context.Context, id string) (access.Principal, error) {
	p, err := single[serviceUserRow, access.Principal](ctx, c, access.ServiceUsers, id)
	if err == nil || !MayLackCall(err) {
		return p, err
	}
	return fromList(ctx, c, access.ServiceUser, id, decodePage[serviceUserRow])
}

// MayLackCall reports whether an error about one service user may come from a console that is
// too old for the call, rather than mean that the service user does not exist. Only the
// console's title "Service User not found." proves the latter; the general code 4040010 may
// mean either, and only the list decides.
func MayLackCall(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindStatus {
		return false
	}
	switch e.Status {
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	case http.StatusNotFound:
		return !strings.Contains(strings.ToLower(e.Title+" "+e.Detail), "service user not found")
	}
	return false
}

type serviceUserRow struct {
	principalRow

	Name           text  `json:"name"`
	Description    text  `json:"description"`
	CreatedAt      stamp `json:"createdAt"`
	LastActivation stamp `json:"lastActivation"`
}

func (r serviceUserRow) item() (access.Principal, int) {
	p, unassigned := r.principal(access.ServiceUser)
	p.Name, p.Description = string(r.Name), string(r.Description)
	p.CreatedAt, p.LastActiveAt = r.CreatedAt.value, r.LastActivation.value
	return p, unassigned
}
