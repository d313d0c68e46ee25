package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// PageLimit is the most rows that a console gives at once (verified); its own
// default is 10.
const PageLimit = 1000

// minRow is the size of a short row in bytes, to guess how many an answer holds.
const minRow = 512

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

// rowFunc consumes one row and appends it to the page.
type rowFunc[T any] func(s *scanner, page *Page[T])

// list gets one page. nested is the field of data that holds the rows, "" when
// data is the list itself.
func list[T any](
	ctx context.Context, c *Client, of access.Collection, nested string, o ListOptions, row rowFunc[T],
) (Page[T], error) {
	var page Page[T]
	r, err := listRequest(of, o)
	if err != nil {
		return page, err
	}
	err = c.do(ctx, r, func(body []byte) error {
		page, err = decodePage(body, nested, row)
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

// decodePage reads {"data":…,"pagination":{…}}. Both must be there, or the answer
// proves nothing: a list that is merely missing must not look like an empty one.
func decodePage[T any](body []byte, nested string, row rowFunc[T]) (Page[T], error) {
	var (
		page  Page[T]
		found bool
		pages bool
	)
	s := &scanner{data: body}
	rows := func() {
		page.Items, page.Unassigned = make([]T, 0, min(PageLimit, len(body)/minRow+1)), 0
		found = s.array(func() { row(s, &page) })
	}
	faulty := false
	s.object(func(key []byte) {
		switch string(key) {
		case "data":
			found = false
			if nested == "" {
				rows()
				return
			}
			s.object(func(key []byte) {
				if string(key) == nested {
					rows()
					return
				}
				s.skip()
			})
		case "pagination":
			page.Next, page.Total = "", nil
			pages = s.object(func(key []byte) { scanPagination(s, string(key), &page.Next, &page.Total) })
		case "errors":
			faulty = s.anyElement()
		default:
			s.skip()
		}
	})
	switch err := s.end(); {
	case err != nil:
		return Page[T]{}, err
	case faulty:
		return Page[T]{}, errWithErrors
	case !found && nested != "":
		return Page[T]{}, fmt.Errorf("it has no data.%s", nested)
	case !found:
		return Page[T]{}, errNoData
	case !pages:
		return Page[T]{}, errors.New("it has no pagination, so nothing says whether more follows")
	}
	return page, nil
}

var (
	errNoData     = errors.New("it has no data")
	errWithErrors = errors.New("it lists errors although its status says success")
)

// scanPagination: the end of the list is a null, an empty or an absent
// nextCursor; the first two were seen.
func scanPagination(s *scanner, key string, next *string, total **int) {
	switch key {
	case "nextCursor":
		*next = s.text()
	case "totalItems":
		*total = s.count()
	default:
		s.skip()
	}
}

// anyElement consumes a value and says whether it is a list with something in it.
func (s *scanner) anyElement() bool {
	if s.peek() != '[' {
		s.skip()
		return false
	}
	some := false
	s.array(func() {
		some = true
		s.skip()
	})
	return some
}

// decodeData reads {"data":{…}}: field is called for each key of data.
func decodeData(body []byte, field func(s *scanner, key string)) error {
	found := false
	s := &scanner{data: body}
	s.object(func(key []byte) {
		if string(key) != "data" {
			s.skip()
			return
		}
		found = s.object(func(key []byte) { field(s, string(key)) })
	})
	if err := s.end(); err != nil {
		return err
	}
	if !found {
		return errNoData
	}
	return nil
}
