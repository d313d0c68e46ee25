package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// UsersByEmail returns the users with an e-mail address, compared without regard to case. A text
// that is not an address is not sent (KindNotSent). Addresses are unique on a console
// (inferred), but a user that the token cannot see is not found.
//
// Whether the console's exact filter regards case is unknown. If it finds no user, a second
// filter, which matches parts of an address, is tried.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) UsersByEmail(ctx context.Context, email string) ([]access.Principal, error) {
	if !isEmail(email) {
		return nil, request{method: http.MethodGet, path: usersPath}.failed(KindNotSent, errNoEmail)
	}
	same := func(p access.Principal) bool { return strings.EqualFold(p.Email, email) }
	for _, filter := range []string{"email", "email__contains"} {
		found, err := matching(ctx, c, access.Users, url.Values{filter: {email}}, decodePage[userRow], same)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return []access.Principal{}, nil
}

// UsersByName returns the users with exactly that full name, or, without one, those whose name looks
// the same; several users may have it.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) UsersByName(ctx context.Context, fullName string) ([]access.Principal, error) {
	if err := checkText(access.Users, fullName); err != nil {
		return nil, err
	}
	return labelled(ctx, c, access.Users, fullName,
		[]url.Values{{"fullName": {fullName}}, {"query": {searchText(fullName)}}}, decodePage[userRow], nameOf)
}

// ServiceUsersByName returns the service users with exactly that name, or, without one, those whose name
// looks the same; several may have it. The API has no filter for the name, and documents for
// users only which fields a search covers: if the search finds none, the whole list is read.
//
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) ServiceUsersByName(ctx context.Context, name string) ([]access.Principal, error) {
	if err := checkText(access.ServiceUsers, name); err != nil {
		return nil, err
	}
	return labelled(ctx, c, access.ServiceUsers, name, []url.Values{{"query": {name}}, nil},
		decodePage[serviceUserRow], nameOf)
}

func nameOf(p access.Principal) string { return p.Name }

// SearchUsers returns at most 20 users by a part of their name, address or description.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) SearchUsers(ctx context.Context, text string) ([]access.Principal, error) {
	return search(ctx, c, access.Users, text, decodePage[userRow])
}

// SearchServiceUsers returns at most 20 service users that match a text; which fields the
// console compares is not documented.
//
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) SearchServiceUsers(ctx context.Context, text string) ([]access.Principal, error) {
	return search(ctx, c, access.ServiceUsers, text, decodePage[serviceUserRow])
}
