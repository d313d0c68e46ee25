package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// PageLimit is the most rows per page that a console accepts (verified); its own default is
// 10.
const PageLimit = 1000

// ListOptions selects a page of a list.
type ListOptions struct {
	Limit  int    // rows per page, 1 to PageLimit; 0 means PageLimit
	Cursor string // Next of the page before, unchanged; "" for the first page
}

// Page is one page of a list, ordered by id.
type Page[T any] struct {
	Items []T
	// Next is the cursor of the next page, "" on the last one.
	Next string
	// Total is the console's own count of the whole list; nil when the response has none.
	Total *int
	// Unassigned is the number of entries of the rows' scopeRoles that are left out of Held,
	// because they name no role, or below tenant level no scope.
	Unassigned int
}

// list requests one page.
func list[T any](
	ctx context.Context, c *Client, of access.Collection, o ListOptions, decode pageDecoder[T],
) (Page[T], error) {
	return listWhere(ctx, c, of, nil, o, decode)
}

// listWhere requests one page of the rows that match a filter.
func listWhere[T any](
	ctx context.Context, c *Client, of access.Collection, filter url.Values, o ListOptions,
	decode pageDecoder[T],
) (Page[T], error) {
	var page Page[T]
	if o.Limit == 0 {
		o.Limit = PageLimit
	}
	r, err := listRequest(of, o)
	if err != nil {
		return page, err
	}
	maps.Copy(r.query, filter)
	err = c.stream(ctx, r, func(body io.Reader) error {
		page, err = decode(body, c.bounds(o.Limit))
		if err == nil && page.Next != "" && page.Next == o.Cursor {
			err = errors.New("the next cursor is the one that was sent, so the list would never end")
		}
		return err
	})
	if err != nil {
		return Page[T]{}, err
	}
	return page, nil
}

// listRequest repeats the same parameters with every page (inferred: a cursor is bound to
// them). Pagination by id is the least disturbed by rows that are added or removed meanwhile.
func listRequest(of access.Collection, o ListOptions) (request, error) {
	r, err := collectionRequest(of)
	if err != nil {
		return r, err
	}
	if o.Limit < 1 || o.Limit > PageLimit {
		return r, r.failed(KindNotSent, fmt.Errorf("invalid limit %d: a console accepts 1 to %d", o.Limit, PageLimit))
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
		return request{}, fmt.Errorf("unknown collection %q: a console has no such list", of)
	}
	query := url.Values{}
	if of == access.Roles {
		// Without includeChildren, custom roles of lower scopes are missing (verified).
		query.Set("includeChildren", "true")
		query.Set("includeParents", "true")
	}
	return request{method: http.MethodGet, path: p.path, query: query}, nil
}
