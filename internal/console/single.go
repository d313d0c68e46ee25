package console

import (
	"context"
	"errors"
	"net/http"

	"sentinelone-provisioner/internal/access"
)

// single gets one row by its own path.
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

// decodeSingle reads {"data":{…}} that is about that id and no other.
func decodeSingle[R row[T], T access.Entity](body []byte, id string) (T, error) {
	var none T
	data, err := decodeData[R](body)
	if err != nil {
		return none, err
	}
	item, _ := data.item()
	if item.Key() != id {
		return none, errors.New("it is about another id than the one asked for")
	}
	return item, nil
}
