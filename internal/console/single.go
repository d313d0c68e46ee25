package console

import (
	"context"
	"errors"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

// single requests one row by its id.
func single[R row[T], T access.Entity](
	ctx context.Context, c *Client, of access.Collection, id string,
) (T, error) {
	path := permissions[of].path
	r := request{method: http.MethodGet, path: path + "/" + id}
	var item T
	if err := checkID(id); err != nil {
		r.path = path + "/{id}"
		return item, r.failed(KindNotSent, err)
	}
	err := c.do(ctx, r, func(body []byte) (err error) {
		item, err = decodeSingle[R](body, id)
		return err
	})
	return item, err
}

var errOtherID = errors.New("the response is about another id than the requested one")

// decodeSingle reads {"data":{…}}. It is an error if the row has another id.
func decodeSingle[R row[T], T access.Entity](body []byte, id string) (T, error) {
	var none T
	data, err := decodeData[R](body)
	if err != nil {
		return none, err
	}
	item, _ := data.item()
	if item.Key() != id {
		return none, errOtherID
	}
	return item, nil
}
