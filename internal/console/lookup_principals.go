package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// UsersByEmail finds the users with an e-mail address, without regard to case. A text
// that is no address is not sent (KindNotSent). Addresses are unique on a console
// (inferred), but one that the token cannot see is not found.
//
// The first filter is an exact one that may or may not regard case, so before nobody
// is concluded a second one is asked, which finds parts.
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

// UsersByName finds the users with exactly that full name, which several may have.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) UsersByName(ctx context.Context, fullName string) ([]access.Principal, error) {
	if err := checkText(access.Users, fullName); err != nil {
		return nil, err
	}
	return matching(ctx, c, access.Users, url.Values{"fullName": {fullName}}, decodePage[userRow], named(fullName))
}

// ServiceUsersByName finds the service users with exactly that name, which several
// may have. There is no filter for it, and what the search looks at is documented in
// words that fit users only: where it finds none, the whole list is walked.
//
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) ServiceUsersByName(ctx context.Context, name string) ([]access.Principal, error) {
	if err := checkText(access.ServiceUsers, name); err != nil {
		return nil, err
	}
	for _, filter := range []url.Values{{"query": {name}}, nil} {
		found, err := matching(ctx, c, access.ServiceUsers, filter, decodePage[serviceUserRow], named(name))
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return []access.Principal{}, nil
}

func named(name string) func(access.Principal) bool {
	return func(p access.Principal) bool { return p.Name == name }
}

// SearchUsers finds at most 20 users by a part of their name, address or description.
//
//s1:operation GET /web/api/v2.1/users
func (c *Client) SearchUsers(ctx context.Context, text string) ([]access.Principal, error) {
	return search(ctx, c, access.Users, text, decodePage[userRow])
}

// SearchServiceUsers finds at most 20 service users by a text; which fields it looks
// at is not documented.
//
//s1:operation GET /web/api/v2.1/service-users
func (c *Client) SearchServiceUsers(ctx context.Context, text string) ([]access.Principal, error) {
	return search(ctx, c, access.ServiceUsers, text, decodePage[serviceUserRow])
}
