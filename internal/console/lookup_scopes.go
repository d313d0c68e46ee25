package console

import (
	"context"
	"net/url"

	"sentinelone-provisioner/internal/access"
)

// AllRoles returns every role that the token can see, including those of lower and higher
// scopes. Several roles may have the same name.
//
//s1:operation GET /web/api/v2.1/rbac/roles
func (c *Client) AllRoles(ctx context.Context) ([]access.Role, error) {
	rows, err := all(ctx, c, access.Roles, nil, decodePage[roleRow], every)
	if err != nil {
		return nil, err
	}
	roles := make([]access.Role, len(rows))
	for i, r := range rows {
		roles[i] = r.Role
	}
	return roles, nil
}

func every[T any](T) bool { return true }

// AllAccounts returns every account that the token can see. Several accounts may have the same
// name.
//
//s1:operation GET /web/api/v2.1/accounts
func (c *Client) AllAccounts(ctx context.Context) ([]access.Account, error) {
	return all(ctx, c, access.Accounts, nil, decodePage[accountRow], every)
}

// SitesByName returns the sites with exactly that name, or, without one, those whose name looks the
// same, as with a blank at its end; each account may have one. Some may be expired or deleted: see
// their State.
//
//s1:operation GET /web/api/v2.1/sites
func (c *Client) SitesByName(ctx context.Context, name string) ([]access.Site, error) {
	if err := checkText(access.Sites, name); err != nil {
		return nil, err
	}
	return labelled(ctx, c, access.Sites, name, []url.Values{{"name": {name}}, {"query": {searchText(name)}}},
		decodeSites, func(s access.Site) string { return s.Name })
}

// SearchSites returns at most 20 sites by a part of their name, account or description.
//
//s1:operation GET /web/api/v2.1/sites
func (c *Client) SearchSites(ctx context.Context, text string) ([]access.Site, error) {
	return search(ctx, c, access.Sites, text, decodeSites)
}

// SiteByID returns one site. If it does not exist, or the token cannot see it, the error is an
// [*Error] with status 404.
//
//s1:operation GET /web/api/v2.1/sites/{site_id}
func (c *Client) SiteByID(ctx context.Context, id string) (access.Site, error) {
	return single[siteRow, access.Site](ctx, c, access.Sites, id)
}

// AccountByID returns one account. If it does not exist, or the token cannot see it, the error
// is an [*Error] with status 404.
//
//s1:operation GET /web/api/v2.1/accounts/{account_id}
func (c *Client) AccountByID(ctx context.Context, id string) (access.Account, error) {
	return single[accountRow, access.Account](ctx, c, access.Accounts, id)
}
