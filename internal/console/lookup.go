package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// searchLimit is the most rows that a search returns: enough for "did you mean".
const searchLimit = 20

// all reads every page of the rows that match a filter, which may be nil, and returns each row
// once; an empty list is not nil. Fewer rows than the console counts are an error, because
// callers rely on a complete list: a row that is not in it does not exist, and a name that
// occurs once is unique.
func all[T access.Entity](
	ctx context.Context, c *Client, of access.Collection, filter url.Values, decode func([]byte) (Page[T], error),
) ([]T, error) {
	var (
		items   = []T{}
		keys    = map[string]bool{}
		cursors = map[string]bool{}
	)
	for cursor := ""; ; {
		page, err := listWhere(ctx, c, of, filter, ListOptions{Cursor: cursor}, decode)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if !keys[item.Key()] {
				keys[item.Key()] = true
				items = append(items, item)
			}
		}
		cursor = page.Next
		switch {
		case cursors[cursor]:
			return nil, contradiction(of, errors.New("the cursors repeat, so the list would never end"))
		case cursor == "" && page.Total != nil && len(items) < *page.Total:
			return nil, contradiction(of, fmt.Errorf("it counts %d rows but returned %d", *page.Total, len(items)))
		case cursor == "":
			return items, nil
		}
		cursors[cursor] = true
	}
}

func contradiction(of access.Collection, err error) error {
	return request{method: http.MethodGet, path: permissions[of].path}.malformed(http.StatusOK, err)
}

// matching reads all rows that match a filter of the console, and keeps those that match our
// own rule as well: the vendor documents for few filters how they compare.
func matching[T access.Entity](
	ctx context.Context, c *Client, of access.Collection, filter url.Values,
	decode func([]byte) (Page[T], error), keep func(T) bool,
) ([]T, error) {
	items, err := all(ctx, c, of, filter, decode)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(items, func(item T) bool { return !keep(item) }), nil
}

// search requests one page of at most searchLimit rows.
func search[T any](
	ctx context.Context, c *Client, of access.Collection, text string, decode func([]byte) (Page[T], error),
) ([]T, error) {
	if err := checkText(of, text); err != nil {
		return nil, err
	}
	page, err := listWhere(ctx, c, of, url.Values{"query": {text}}, ListOptions{Limit: searchLimit}, decode)
	if err != nil {
		return nil, err
	}
	return page.Items[:min(len(page.Items), searchLimit)], nil
}

// checkText rejects an empty search text: a console might return every row.
func checkText(of access.Collection, text string) error {
	if strings.TrimSpace(text) != "" {
		return nil
	}
	return request{method: http.MethodGet, path: permissions[of].path}.
		failed(KindNotSent, errors.New("the search text is empty"))
}
