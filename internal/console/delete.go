package console

import (
	"context"
	"errors"
	"net/http"
)

// DeleteUser deletes one user with all its roles and its API token. If the user does not exist
// (any more), the error is most likely an [*Error] with status 404 (inferred): treat it as
// deleted.
//
// The API can also delete by a filter, where an empty filter would match every user. This
// project never uses that call.
//
//s1:operation DELETE /web/api/v2.1/users/{user_id}
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.remove(ctx, usersPath, id)
}

// DeleteServiceUser deletes one service user with all its roles and its API token; see
// [Client.DeleteUser].
//
//s1:operation DELETE /web/api/v2.1/service-users/{service_user_id}
func (c *Client) DeleteServiceUser(ctx context.Context, id string) error {
	return c.remove(ctx, serviceUsersPath, id)
}

func (c *Client) remove(ctx context.Context, path, id string) error {
	r := request{method: http.MethodDelete, path: path + "/{id}"}
	if err := checkID(id); err != nil { // with an empty id, the path would be that of the list
		return r.failed(KindNotSent, err)
	}
	r.path = path + "/" + id
	return c.do(ctx, r, decodeSuccess)
}

// decodeSuccess reads {"data":{"success":true}}.
func decodeSuccess(body []byte) error {
	data, err := decodeData[struct {
		Success bool `json:"success"`
	}](body)
	if err == nil && !data.Success {
		err = errors.New("the response does not confirm success")
	}
	return err
}
