package consoletest

import (
	"net/url"
	"strings"

	"sentinelone-provisioner/internal/access"
)

var listings = map[access.Collection]listing{
	access.Accounts: {
		params: accountsParams, special: accountFilter,
		fields: map[string]string{"states": "state", "features": ""},
	},
	access.Sites: {
		params: sitesParams, special: siteFilter,
		fields: map[string]string{
			"states": "state", "features": "", "module": "", "adminOnly": "", "availableMoveSites": "",
		},
	},
	access.Roles: {
		params: rolesParams, special: roleFilter, hides: hiddenRoles,
		fields: map[string]string{"tenancyIds": "", "tenant": "", "includeChildren": "", "includeParents": ""},
	},
	access.Users: {
		params: usersParams, special: userFilter,
		fields: map[string]string{
			// Users have no createdAt: the filter is assumed to compare dateJoined. They have
			// no lastActivation either, so that filter has no effect.
			"createdAt": "dateJoined", "lastActivation": "", "roleId": "scopeRoles.roleId", "sources": "source",
			"twoFaStatuses": "twoFaStatus", "apiTokenCreatedAt": "apiToken.createdAt",
			"apiTokenExpiresAt": "apiToken.expiresAt",
		},
	},
	access.ServiceUsers: {
		params: serviceUsersParams, special: serviceUserFilter,
		fields: map[string]string{
			"fullName": "name", "firstLogin": "", "lastLogin": "lastActivation", "dateJoined": "createdAt",
			"roleId": "scopeRoles.roleId", "apiTokenCreatedAt": "apiToken.createdAt",
			"apiTokenExpiresAt": "apiToken.expiresAt", "createdByName": "createdBy.name",
			"updatedByName": "updatedBy.name",
		},
	},
}

func accountFilter(_ *Console, name string, q url.Values) func(any) bool {
	switch name {
	case "accountIds":
		ids := idSet(q.Get(name))
		return func(e any) bool { return ids[e.(*account).id] }
	case "query":
		return func(e any) bool { return containsFold(e.(*account).name, q.Get(name)) }
	}
	return nil
}

func siteFilter(_ *Console, name string, q url.Values) func(any) bool {
	ids := idSet(q.Get(name))
	switch name {
	case "siteIds":
		return func(e any) bool { return ids[e.(*site).id] }
	case "accountId", "accountIds":
		return func(e any) bool { return ids[e.(*site).account.id] }
	case "query":
		return func(e any) bool { return containsFold(e.(*site).name, q.Get(name)) }
	}
	return nil
}

func roleFilter(_ *Console, name string, q url.Values) func(any) bool {
	switch name {
	case "accountIds", "siteIds", "groupIds": // the scope from which hiddenRoles looks
		return func(any) bool { return true }
	case "query":
		return func(e any) bool {
			r := e.(*role)
			return containsFold(r.name, q.Get(name)) || containsFold(r.description, q.Get(name))
		}
	}
	return nil
}

// hiddenRoles hides custom roles of lower scopes unless includeChildren is true, and those of
// higher scopes if includeParents is false. Lower and higher are relative to the tenant, or to
// the account, site or group that the query names.
func hiddenRoles(c *Console, q url.Values) func(any) bool {
	children, parents := q.Get("includeChildren") == "true", q.Get("includeParents") != "false"
	at := access.Tenant
	ids := map[int64]bool{}
	for name, level := range map[string]access.Level{
		"accountIds": access.AccountLevel, "siteIds": access.SiteLevel, "groupIds": access.GroupLevel,
	} {
		if q.Has(name) {
			at, ids = level, idSet(q.Get(name))
		}
	}
	above := c.parents(at, ids)
	return func(e any) bool {
		r := e.(*role)
		switch {
		case r.scope == at:
			return at != access.Tenant && !ids[r.scopeID]
		case r.scope == access.Tenant:
			return !parents
		case above[r.scopeID]:
			return !parents
		case at == access.Tenant || (at == access.AccountLevel && r.account != nil && ids[r.account.id]):
			return !children
		}
		return true
	}
}

// parents is the set of accounts above the given sites.
func (c *Console) parents(at access.Level, ids map[int64]bool) map[int64]bool {
	above := map[int64]bool{}
	if at != access.SiteLevel {
		return above
	}
	for id := range ids {
		if r := c.sites.get(id); r != nil {
			above[r.entity.(*site).account.id] = true
		}
	}
	return above
}

func userFilter(c *Console, name string, q url.Values) func(any) bool {
	switch name {
	case "email": // compared without regard to case; the vendor does not document it
		return func(e any) bool { return strings.EqualFold(e.(*principal).email, q.Get(name)) }
	case "hasValidApiToken":
		want := q.Get(name) == "true"
		return func(e any) bool { return (e.(*principal).tokenExpires > c.clock) == want }
	case "query":
		return func(e any) bool {
			p := e.(*principal)
			return containsFold(p.name, q.Get(name)) || containsFold(p.email, q.Get(name))
		}
	}
	return principalFilter(c, name, q)
}

func serviceUserFilter(c *Console, name string, q url.Values) func(any) bool {
	if name == "query" {
		return func(e any) bool {
			p := e.(*principal)
			return containsFold(p.name, q.Get(name)) || containsFold(p.description, q.Get(name))
		}
	}
	return principalFilter(c, name, q)
}

// principalFilter assumes that accountIds includes principals at the sites of the account; this
// is not verified.
func principalFilter(c *Console, name string, q url.Values) func(any) bool {
	ids := idSet(q.Get(name))
	var holds func(p *principal, h held) bool
	switch name {
	case "roleIds":
		holds = func(_ *principal, h held) bool { return ids[h.role] }
	case "siteIds":
		holds = func(p *principal, h held) bool { return p.level == access.SiteLevel && ids[h.scope] }
	case "accountIds":
		holds = func(_ *principal, h held) bool { return ids[h.scope] || ids[c.accountOfSite(h.scope)] }
	default:
		return nil
	}
	return func(e any) bool {
		p := e.(*principal)
		for _, h := range p.held {
			if holds(p, h) {
				return true
			}
		}
		return false
	}
}

func (c *Console) accountOfSite(id int64) int64 {
	if r := c.sites.get(id); r != nil {
		return r.entity.(*site).account.id
	}
	return 0
}
