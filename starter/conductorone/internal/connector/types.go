package connector

import (
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// One Go type for each resource type: what it can do besides being listed is what is embedded beside the syncer, since
// the SDK learns capabilities from methods.
type (
	// listedType is one that can only be listed, and read one by one.
	listedType struct {
		*syncer
		accounts.Getter
	}
	userType struct {
		*syncer
		accounts.Users
		accounts.Getter
	}
	serviceType struct {
		*syncer
		accounts.ServiceUsers
		accounts.Getter
	}
	assignmentType struct {
		*syncer
		*provision.Provisioner
		accounts.Getter
	}
)

// syncers are those of all types. Without a source they only describe the types.
func syncers(
	source snapshot.Source, stock bool, assigner *provision.Provisioner, get accounts.Getter, people *accounts.Config,
) []connectorbuilder.ResourceSyncerV2 {
	typed := func(id string) *syncer { return &syncer{id: id, source: source, stock: stock} }

	tenant := typed(resources.Tenant)
	tenant.resources = []part[*v2.Resource]{tenants}

	account := typed(resources.Account)
	account.resources = accountRows(only(resources.NewAccount))
	account.entitlements = accountRows(only(func(a access.Account) *v2.Entitlement {
		return resources.Members(resources.NewAccount(a))
	}))
	account.grants = members(access.AccountLevel)

	site := typed(resources.Site)
	site.resources = sites(only(resources.NewSite))
	site.entitlements = sites(only(func(s access.Site) *v2.Entitlement {
		return resources.Members(resources.NewSite(s))
	}))
	site.grants = members(access.SiteLevel)

	role := typed(resources.Role)
	role.resources = roles(only(resources.NewRole))
	if stock {
		role.entitlements = roles(func(r access.Role) []*v2.Entitlement {
			return resources.Levels(resources.NewRole(r))
		})
		role.grants = roleLevels()
	}

	user := typed(resources.User)
	user.resources = []part[*v2.Resource]{entities(readPrincipals(access.User), only(resources.NewPrincipal))}

	service := typed(resources.ServiceUser)
	service.resources = []part[*v2.Resource]{
		entities(readPrincipals(access.ServiceUser), only(resources.NewPrincipal)),
	}

	assignment := typed(resources.RoleAssignment)
	assignment.resources = []part[*v2.Resource]{
		roleScopes(func(of *v2.Resource) *v2.Resource { return of }),
	}
	assignment.entitlements = []part[*v2.Entitlement]{roleScopes(resources.AssignedTo)}
	assignment.grants = []part[*v2.Grant]{assigned(source)}

	return []connectorbuilder.ResourceSyncerV2{
		listedType{tenant, get},
		listedType{account, get},
		listedType{site, get},
		listedType{role, get},
		userType{user, accounts.Users{Config: people}, get},
		serviceType{service, accounts.ServiceUsers{Config: people}, get},
		assignmentType{assignment, assigner, get},
	}
}
