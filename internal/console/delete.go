package console

import (
	"context"
	"errors"
	"net/http"
)

// DeleteUser deletes one user, and with it every role and its API token. A user that
// is not there (any more) is most likely an [*Error] with status 404 (inferred):
// take that for gone.
//
// There is a call that deletes by a filter, where an empty filter would match
// everyone; it is not used, here or anywhere.
//
//s1:operation DELETE /web/api/v2.1/users/{user_id}
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.remove(ctx, usersPath, id)
}

// DeleteServiceUser deletes one service user, and with it every role and its API
// token; see [Client.DeleteUser].
//
//s1:operation DELETE /web/api/v2.1/service-users/{service_user_id}
func (c *Client) DeleteServiceUser(ctx context.Context, id string) error {
	return c.remove(ctx, serviceUsersPath, id)
}

func (c *Client) remove(ctx context.Context, path, id string) error {
	r := request{method: http.MethodDelete, path: path + "/{id}"}
	if err := checkID(id); err != nil { // an empty id would leave the path of the list
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
		err = errors.New("it does not say that it succeeded")
	}
	return err
}
