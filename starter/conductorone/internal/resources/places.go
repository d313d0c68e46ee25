package resources

import (
	"cmp"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"

	"sentinelone-provisioner/internal/access"
)

// NewTenant is the one tenant of a console, which is named by its host.
func NewTenant(host string) *v2.Resource {
	return &v2.Resource{
		Id: resourceID(Tenant, TenantID), DisplayName: clip(cmp.Or(host, "Tenant"), maxName),
		Profile: profile{"console": host}.asStruct(),
	}
}

// NewAccount is an account.
func NewAccount(a access.Account) *v2.Resource {
	return &v2.Resource{
		Id: resourceID(Account, a.ID), DisplayName: named(a.Name, "account", a.ID),
		Profile: profile{"account_id": a.ID, "account_name": a.Name, "state": a.State}.asStruct(),
	}
}

// NewSite is a site of its account.
func NewSite(s access.Site) *v2.Resource {
	out := &v2.Resource{
		Id: resourceID(Site, s.ID), DisplayName: named(s.Name, "site", s.ID),
		Profile: profile{
			"site_id": s.ID, "site_name": s.Name, "account_id": s.AccountID, "account_name": s.AccountName,
			"state": s.State,
		}.asStruct(),
	}
	if s.AccountID != "" {
		out.ParentResourceId = resourceID(Account, s.AccountID)
	}
	return out
}

// NewRole is a role.
func NewRole(r access.Role) *v2.Resource {
	p := profile{
		"role_id": r.ID, "role_name": r.Name, "predefined": r.Predefined, "scope_level": string(r.Scope),
		"scope_id": r.ScopeID,
	}.asStruct()
	return &v2.Resource{
		Id: resourceID(Role, r.ID), DisplayName: named(r.Name, "role", r.ID),
		Description: clip(r.Description, maxDescription), Profile: p,
		Annotations: pack(&v2.RoleTrait{Profile: p}), //nolint:staticcheck // where the stock connector has its profile
	}
}

// named returns the name, or the id where there is none: ConductorOne cannot show a resource without a name.
func named(name, what, id string) string { return clip(cmp.Or(name, what+" "+id), maxName) }
