package resources

import (
	"errors"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/access"
)

var errNoTrait = errors.New("its resource has no ScopeBindingTrait")

// Members is the entitlement of an account or site, which those hold who have a role there itself. It cannot be
// granted: a role there is what makes a member.
func Members(of *v2.Resource) *v2.Entitlement {
	what := "Account"
	if of.GetId().GetResourceType() == Site {
		what = "Site"
	}
	return entitlement(of, Member, of.GetDisplayName()+" "+what+" "+Member,
		"Access to "+of.GetDisplayName()+" in SentinelOne, by a role there; request a role to get it",
		&v2.EntitlementImmutable{})
}

// AssignedTo is the entitlement of a role assignment.
func AssignedTo(of *v2.Resource) *v2.Entitlement {
	return entitlement(of, Assigned, of.GetDisplayName(), "Role "+of.GetDisplayName()+" in SentinelOne")
}

// levels are the levels of the stock connector's entitlements of roles, in the order in which they are listed.
var levels = []access.Level{access.AccountLevel, access.SiteLevel, access.Tenant}

// Levels are the entitlements of a role by level, as the stock connector has them. They cannot be granted, since they
// do not say where.
func Levels(of *v2.Resource) []*v2.Entitlement {
	out := make([]*v2.Entitlement, len(levels))
	for i, level := range levels {
		out[i] = entitlement(of, LevelSlug(level), of.GetDisplayName()+" Role with "+LevelSlug(level),
			of.GetDisplayName()+" role in SentinelOne, at any "+string(level), &v2.EntitlementImmutable{})
	}
	return out
}

// LevelSlug is the slug of the stock connector's entitlement of a role at a level.
func LevelSlug(level access.Level) string { return string(level) + " scope" }

func entitlement(of *v2.Resource, slug, name, about string, annotations ...proto.Message) *v2.Entitlement {
	return &v2.Entitlement{
		Resource: of, Id: entitlementID(of.GetId(), slug), Slug: slug,
		DisplayName: clip(name, maxName), Description: clip(about, maxDescription),
		Purpose:     v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		GrantableTo: []*v2.ResourceType{bareType(User), bareType(ServiceUser)},
		Annotations: pack(annotations...),
	}
}

func entitlementID(of *v2.ResourceId, slug string) string {
	return of.GetResourceType() + ":" + of.GetResource() + ":" + slug
}

// MemberGrant says that a principal is a member of the account or site of an assignment.
func MemberGrant(a access.Assignment) *v2.Grant {
	return grant(ScopeID(access.Scope{Level: a.Level, ID: a.ScopeID}), Member, a, true)
}

// AssignedGrant says that a principal holds a role at a scope. An immutable one cannot be revoked.
func AssignedGrant(a access.Assignment, immutable bool) *v2.Grant {
	id := AssignmentOf(access.Holding{RoleID: a.RoleID, Level: a.Level, ScopeID: a.ScopeID})
	return grant(resourceID(RoleAssignment, id), Assigned, a, immutable)
}

// LevelGrant says that a principal holds a role somewhere at a level.
func LevelGrant(a access.Assignment) *v2.Grant {
	return grant(resourceID(Role, a.RoleID), LevelSlug(a.Level), a, true)
}

// grant names entitlement and principal by their ids alone: the SDK has stored both, and puts them back.
func grant(of *v2.ResourceId, slug string, a access.Assignment, immutable bool) *v2.Grant {
	entitlement := entitlementID(of, slug)
	who := PrincipalID(a.PrincipalKind, a.PrincipalID)
	out := &v2.Grant{
		Id:          entitlement + ":" + who.GetResourceType() + ":" + who.GetResource(),
		Entitlement: &v2.Entitlement{Id: entitlement, Slug: slug, Resource: &v2.Resource{Id: of}},
		Principal:   &v2.Resource{Id: who},
	}
	if immutable {
		out.Annotations = pack(&v2.GrantImmutable{})
	}
	return out
}
