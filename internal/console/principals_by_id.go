package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// HasRoom reports whether a request for one principal would go out at once, as far as the rate budget is concerned.
func (c *Client) HasRoom(kind access.Kind) bool {
	path, err := principalPath(kind)
	if err != nil {
		return true
	}
	l, found := c.limits.find(path)
	switch {
	case !found:
		return true
	case l.shared != nil:
		return l.shared.hasRoom()
	}
	return l.bucket.Tokens() >= 1
}

// PrincipalsByID returns users or service users with some ids, at most [PageLimit], by one request; by more where their
// roles do not fit into one page. A principal that is missing in the result may exist all the same: only
// [Client.Principal] proves that it is gone. Texts that are not ids are left out.
//
//s1:operation GET /web/api/v2.1/users
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) PrincipalsByID(ctx context.Context, kind access.Kind, ids []string) ([]access.Principal, error) {
	path, err := principalPath(kind)
	if err != nil {
		return nil, unknownKind(http.MethodGet, kind)
	}
	wanted := map[string]bool{}
	valid := make([]string, 0, len(ids))
	for _, id := range ids {
		if checkID(id) == nil && !wanted[id] {
			wanted[id] = true
			valid = append(valid, id)
		}
	}
	if len(valid) == 0 {
		return nil, nil
	}
	return c.principalsByID(ctx, kind, path, valid)
}

// principalsByID reads the principals of ids that differ. Where a page is too large, each half has one of its own.
func (c *Client) principalsByID(
	ctx context.Context, kind access.Kind, path string, ids []string,
) ([]access.Principal, error) {
	decode := decodePage[userRow, access.Principal]
	if kind == access.ServiceUser {
		decode = decodePage[serviceUserRow, access.Principal]
	}
	r := request{method: http.MethodGet, path: path, query: url.Values{
		"ids": {strings.Join(ids, ",")}, "limit": {strconv.Itoa(min(len(ids), PageLimit))},
	}}
	var page Page[access.Principal]
	err := c.stream(ctx, r, func(body io.Reader) (err error) {
		page, err = decode(body, c.bounds(min(len(ids), PageLimit)))
		return err
	})
	if _, large := errors.AsType[*PageTooLargeError](err); large && len(ids) > 1 {
		half := len(ids) / 2
		first, err := c.principalsByID(ctx, kind, path, ids[:half])
		if err != nil {
			return nil, err
		}
		rest, err := c.principalsByID(ctx, kind, path, ids[half:])
		return append(first, rest...), err
	}
	if err != nil {
		return nil, err
	}
	found := page.Items[:0]
	for _, p := range page.Items {
		if slices.Contains(ids, p.ID) { // a console that ignores the filter shows others
			found = append(found, p)
		}
	}
	return found, nil
}
