package resources

import (
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// typeNames are what people see of the types, in the order in which they are listed: what others point to comes first.
var typeNames = []struct{ id, name, about string }{
	{Tenant, "Tenant", "The console as a whole"},
	{Account, "Account", "An account of the console"},
	{Site, "Site", "A site of an account"},
	{Role, "Role", "A predefined or custom role of the console"},
	{User, "User", "A person who signs in to the console"},
	{ServiceUser, "Service User", "An account for programs"},
	{RoleAssignment, "Role Assignment", "A role at one scope: the tenant, an account or a site"},
}

// Types are the ids of all resource types, in the order in which they are listed.
func Types() []string {
	out := make([]string, len(typeNames))
	for i, t := range typeNames {
		out[i] = t.id
	}
	return out
}

// Type describes a resource type. With stock, roles also have the entitlements by level of the stock connector.
func Type(id string, stock bool) *v2.ResourceType {
	t := bareType(id)
	for _, known := range typeNames {
		if known.id == id {
			t.Description = known.about
		}
	}
	switch {
	case id == Account, id == Site, id == RoleAssignment, id == Role && stock:
		// One stream of pages for the whole type, instead of two calls for each resource.
		t.Annotations = pack(&v2.TypeScopedEntitlements{}, &v2.TypeScopedGrants{})
	default:
		t.Annotations = pack(&v2.SkipEntitlementsAndGrants{})
	}
	if needed := permissions(id); needed != nil {
		t.Annotations = append(t.Annotations, pack(needed)...)
	}
	return t
}

// bareType is a type without annotations, as entitlements name the types that they can be granted to.
func bareType(id string) *v2.ResourceType {
	t := &v2.ResourceType{Id: id}
	for _, known := range typeNames {
		if known.id == id {
			t.DisplayName = known.name
		}
	}
	switch id {
	case User, ServiceUser:
		t.Traits = []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER}
	case Role:
		t.Traits = []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE}
	case RoleAssignment:
		t.Traits = []v2.ResourceType_Trait{v2.ResourceType_TRAIT_SCOPE_BINDING}
	}
	return t
}

// permissions are those that the role of the console's token needs: to sync, and to provision what is provisioned
// of the type. They are named as in the console.
func permissions(id string) *v2.CapabilityPermissions {
	var names []string
	switch id {
	case Account:
		names = []string{console.Permission(access.Accounts)}
	case Site:
		names = []string{console.Permission(access.Sites)}
	case Role:
		names = []string{console.Permission(access.Roles)}
	case User:
		names = []string{console.Permission(access.Users), "Users.create", "Users.delete"}
	case ServiceUser:
		names = []string{
			console.Permission(access.ServiceUsers),
			"Service Users.create", "Service Users.edit", "Service Users.delete",
		}
	case RoleAssignment:
		names = []string{
			console.Permission(access.Users), "Users.edit",
			console.Permission(access.ServiceUsers), "Service Users.edit",
		}
	default:
		return nil
	}
	out := &v2.CapabilityPermissions{}
	for _, name := range names {
		out.Permissions = append(out.Permissions, &v2.CapabilityPermission{Permission: name})
	}
	return out
}
