package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// PageLimit is the most rows that a console gives at once (verified); its own
// default is 10.
const PageLimit = 1000

// ListOptions says which page of a list to get.
type ListOptions struct {
	Limit  int    // rows per page, 1 to PageLimit; 0 means PageLimit
	Cursor string // Next of the page before, unchanged; "" for the first page
}

// Page is one page of a list, ordered by id.
type Page[T any] struct {
	Items []T
	// Next is the cursor of the next page, "" on the last one.
	Next string
	// Total is the console's own count of the whole list; nil when it gave none.
	Total *int
	// Unassigned is how many entries of the rows' scopeRoles say no role, or below
	// tenant level no scope, and are left out of Held.
	Unassigned int
}

// list gets one page.
func list[T any](
	ctx context.Context, c *Client, of access.Collection, o ListOptions, decode func(body []byte) (Page[T], error),
) (Page[T], error) {
	return listWhere(ctx, c, of, nil, o, decode)
}

// listWhere gets one page of the rows that pass a filter.
func listWhere[T any](
	ctx context.Context, c *Client, of access.Collection, filter url.Values, o ListOptions,
	decode func(body []byte) (Page[T], error),
) (Page[T], error) {
	var page Page[T]
	r, err := listRequest(of, o)
	if err != nil {
		return page, err
	}
	maps.Copy(r.query, filter)
	err = c.do(ctx, r, func(body []byte) error {
		page, err = decode(body)
		if err == nil && page.Next != "" && page.Next == o.Cursor {
			err = errors.New("its next cursor is the one that was sent, so the list would never end")
		}
		return err
	})
	if err != nil {
		return Page[T]{}, err
	}
	return page, nil
}

// listRequest repeats the same parameters with every page (inferred: a cursor is
// bound to them). Order by id gives the steadiest walk while rows come and go.
func listRequest(of access.Collection, o ListOptions) (request, error) {
	r, err := collectionRequest(of)
	if err != nil {
		return r, err
	}
	if o.Limit == 0 {
		o.Limit = PageLimit
	}
	if o.Limit < 1 || o.Limit > PageLimit {
		return r, r.failed(KindNotSent, fmt.Errorf("the limit is %d: a console takes 1 to %d", o.Limit, PageLimit))
	}
	r.query.Set("limit", strconv.Itoa(o.Limit))
	r.query.Set("sortBy", "id")
	r.query.Set("sortOrder", "asc")
	if o.Cursor != "" {
		r.query.Set("cursor", o.Cursor)
	}
	return r, nil
}

func collectionRequest(of access.Collection) (request, error) {
	p, ok := permissions[of]
	if !ok {
		return request{}, fmt.Errorf("unknown collection %q: there is no list of it on a console", of)
	}
	query := url.Values{}
	if of == access.Roles {
		// Without the first, custom roles of lower scopes are missing (verified).
		query.Set("includeChildren", "true")
		query.Set("includeParents", "true")
	}
	return request{method: http.MethodGet, path: p.path, query: query}, nil
}
