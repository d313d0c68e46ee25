package console

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"

	"sentinelone-provisioner/internal/access"
)

// mostRows ends a list that has no end. A large console has 100,000 users.
const mostRows = 1_000_000

// searchLimit is the most rows that a search returns: enough for "did you mean".
const searchLimit = 20

// reading is a list that is read to its end, page by page.
type reading[T access.Entity] struct {
	items   []T                        // that the caller keeps
	seen    map[string]bool            // the keys of all rows
	cursors map[[sha256.Size]byte]bool // so that a list without an end costs little memory
}

func newReading[T access.Entity]() *reading[T] {
	return &reading[T]{items: []T{}, seen: map[string]bool{}, cursors: map[[sha256.Size]byte]bool{}}
}

// all reads every page of the rows that match a filter, which may be nil, and returns each row
// that keep keeps once; an empty list is not nil. Fewer rows than the console counts are an
// error, because callers rely on a complete list: a row that is not in it does not exist, and
// a name that occurs once is unique.
//
// Where a page is too large to hold, it goes on with half as many rows a page. Should the console
// then refuse the cursor, because it was made for the larger page, the list is read anew.
func all[T access.Entity](
	ctx context.Context, c *Client, of access.Collection, filter url.Values, decode pageDecoder[T], keep func(T) bool,
) ([]T, error) {
	var (
		read  = newReading[T]()
		o     = ListOptions{Limit: PageLimit}
		large *PageTooLargeError
	)
	for {
		page, err := listWhere(ctx, c, of, filter, o, decode)
		switch {
		case err == nil:
		case errors.As(err, &large) && o.Limit > 1:
			o.Limit /= 2
			continue
		case large != nil && RefusesCursor(err, o):
			read, o, large = newReading[T](), ListOptions{Limit: large.Fitting(o.Limit)}, nil
			continue
		default:
			return nil, err
		}
		if err := read.add(page, keep); err != nil {
			return nil, contradiction(of, err)
		}
		if page.Next == "" {
			return read.items, nil
		}
		o.Cursor = page.Next
	}
}

// RefusesCursor reports whether a console did not go on at the cursor it gave: an error status, or
// more rows than were asked for. How long cursors live, and whether one may be used with another
// limit, is not documented.
func RefusesCursor(err error, o ListOptions) bool {
	answer, ok := errors.AsType[*Error](err)
	return ok && o.Cursor != "" && (answer.Status == http.StatusBadRequest || errors.Is(err, ErrTooManyRows))
}

func (r *reading[T]) add(page Page[T], keep func(T) bool) error {
	for _, item := range page.Items {
		if r.seen[item.Key()] {
			continue
		}
		r.seen[item.Key()] = true
		if keep(item) {
			r.items = append(r.items, item)
		}
	}
	next := sha256.Sum256([]byte(page.Next))
	switch {
	case r.cursors[next]:
		return errors.New("the cursors repeat, so the list would never end")
	case page.Next == "" && page.Total != nil && len(r.seen) < *page.Total:
		return fmt.Errorf("it counts %d rows but returned %d", *page.Total, len(r.seen))
	case len(r.seen) > mostRows || len(r.cursors) > mostRows:
		return fmt.Errorf("it returned more than %d rows or pages, so the list would never end", mostRows)
	}
	r.cursors[next] = true
	return nil
}

func contradiction(of access.Collection, err error) error {
	return request{method: http.MethodGet, path: permissions[of].path}.malformed(http.StatusOK, err)
}

// matching reads all rows that match a filter of the console, and keeps those that match our
// own rule as well: the vendor documents for few filters how they compare.
func matching[T access.Entity](
	ctx context.Context, c *Client, of access.Collection, filter url.Values,
	decode pageDecoder[T], keep func(T) bool,
) ([]T, error) {
	return all(ctx, c, of, filter, decode, keep)
}

// labelled reads the rows that match the first filter with rows of that name, and keeps those with
// exactly that name, or without one those whose name looks the same. It reads the rows of another
// filter only if it has found none.
func labelled[T access.Entity](
	ctx context.Context, c *Client, of access.Collection, name string, filters []url.Values,
	decode pageDecoder[T], nameOf func(T) string,
) ([]T, error) {
	for _, filter := range filters {
		found, err := matching(ctx, c, of, filter, decode,
			func(item T) bool { return access.SameLabel(nameOf(item), name) })
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return access.Labelled(found, name, nameOf), nil
		}
	}
	return []T{}, nil
}

// searchText is a name as a search is likely to find it: without blanks around it, and with each accent in the
// character that it belongs to.
func searchText(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// search requests one page of at most searchLimit rows.
func search[T any](
	ctx context.Context, c *Client, of access.Collection, text string, decode pageDecoder[T],
) ([]T, error) {
	if err := checkText(of, text); err != nil {
		return nil, err
	}
	for o := (ListOptions{Limit: searchLimit}); ; o.Limit /= 2 {
		page, err := listWhere(ctx, c, of, url.Values{"query": {text}}, o, decode)
		if _, large := errors.AsType[*PageTooLargeError](err); large && o.Limit > 1 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return page.Items, nil
	}
}

// checkText rejects an empty search text: a console might return every row.
func checkText(of access.Collection, text string) error {
	if strings.TrimSpace(text) != "" {
		return nil
	}
	return request{method: http.MethodGet, path: permissions[of].path}.
		failed(KindNotSent, errors.New("the search text is empty"))
}
