package console

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// Count returns the console's count of the rows of a collection, with the filters of the list.
//
// A response without totalItems is an error. Its data is ignored, since the vendor does not
// document what it holds with countOnly.
//
//s1:operation GET /web/api/v2.1/accounts
//s1:operation GET /web/api/v2.1/sites
//s1:operation GET /web/api/v2.1/rbac/roles
//s1:operation GET /web/api/v2.1/users
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) Count(ctx context.Context, of access.Collection) (int, error) {
	r, err := collectionRequest(of)
	if err != nil {
		return 0, err
	}
	r.query.Set("countOnly", "true")
	var total int
	err = c.do(ctx, r, func(body []byte) error {
		total, err = decodeCount(body)
		return err
	})
	return total, err
}

func decodeCount(body []byte) (int, error) {
	var e envelope
	switch err := decode(body, &e); {
	case err != nil:
		return 0, err
	case e.faulty():
		return 0, errWithErrors
	case e.Pagination == nil || e.Pagination.TotalItems.value == nil:
		return 0, errors.New("the response has no totalItems")
	}
	return *e.Pagination.TotalItems.value, nil
}

// Probe requests one row of a collection, which shows that the token may list it. It returns
// the console's count of the rows; nil when the response has none.
//
//s1:operation GET /web/api/v2.1/accounts
//s1:operation GET /web/api/v2.1/sites
//s1:operation GET /web/api/v2.1/rbac/roles
//s1:operation GET /web/api/v2.1/users
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) Probe(ctx context.Context, of access.Collection) (total *int, err error) {
	one := ListOptions{Limit: 1}
	switch of {
	case access.Accounts:
		return totalOf(c.Accounts(ctx, one))
	case access.Sites:
		return totalOf(c.Sites(ctx, one))
	case access.Roles:
		return totalOf(c.Roles(ctx, one))
	case access.Users:
		return totalOf(c.Users(ctx, one))
	case access.ServiceUsers:
		return totalOf(c.ServiceUsers(ctx, one))
	}
	return nil, fmt.Errorf("unknown collection %q: a console has no such list", of)
}

func totalOf[T any](page Page[T], err error) (*int, error) { return page.Total, err }
