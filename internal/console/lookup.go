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

// searchLimit is how many rows a search returns at most: enough for "did you mean".
const searchLimit = 20

// all walks every page of the rows that pass a filter, which may be nil, and returns
// each row once; an empty list is not nil. Fewer rows than the console counts are an
// error: what is looked up and not found is taken not to exist, and what is found
// once is taken to be the only one.
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
			return nil, contradiction(of, errors.New("its cursors lead in a circle, so the list would never end"))
		case cursor == "" && page.Total != nil && len(items) < *page.Total:
			return nil, contradiction(of, fmt.Errorf("it counts %d rows and gave %d", *page.Total, len(items)))
		case cursor == "":
			return items, nil
		}
		cursors[cursor] = true
	}
}

func contradiction(of access.Collection, err error) error {
	return request{method: http.MethodGet, path: permissions[of].path}.malformed(http.StatusOK, err)
}

// matching walks the rows that pass a filter of the console's, and keeps those that
// match by our own rule: how the console's filters compare is documented for few.
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

// search is one page of at most searchLimit rows.
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

// checkText refuses to look for nothing: a console might take that for "everything".
func checkText(of access.Collection, text string) error {
	if strings.TrimSpace(text) != "" {
		return nil
	}
	return request{method: http.MethodGet, path: permissions[of].path}.
		failed(KindNotSent, errors.New("the text to look for is empty"))
}
