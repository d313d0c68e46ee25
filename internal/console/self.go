package console

import (
	"context"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

const ownUserPath = "/user"

// Self gets the user that the client's token belongs to. Whether it works for the
// token of a service user is not verified, and neither is what it then says: take a
// status of 400 to 499 for "not known", compare ids and not kinds, and let nothing
// depend on an answer.
//
//s1:operation GET /web/api/v2.1/user
func (c *Client) Self(ctx context.Context) (access.Principal, error) {
	return sendPrincipal(ctx, c, request{method: http.MethodGet, path: ownUserPath}, decodeSelf)
}

// decodeSelf goes by what only one kind has: e-mail, full name and the day it joined
// are a user's, a plain name is a service user's.
func decodeSelf(body []byte) (access.Principal, error) {
	user, err := decodeNew[userRow](body)
	if err != nil || user.Email != "" || user.Name != "" || user.CreatedAt != nil {
		return user, err
	}
	service, err := decodeNew[serviceUserRow](body)
	if err == nil && service.Name != "" {
		return service, nil
	}
	return user, nil
}
