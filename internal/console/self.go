package console

import (
	"context"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

const ownUserPath = "/user"

// Self returns the user that the client's token belongs to. For the token of a service user,
// neither whether the call works nor what it returns is verified: treat a status of 400 to 499
// as "unknown", compare ids and not kinds, and do not depend on a result.
//
//s1:operation GET /web/api/v2.1/user
func (c *Client) Self(ctx context.Context) (access.Principal, error) {
	return sendPrincipal(ctx, c, request{method: http.MethodGet, path: ownUserPath}, decodeSelf)
}

// decodeSelf finds the kind by fields that only one kind has: a user has an e-mail address, a
// full name and a join date; a service user has a name.
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
