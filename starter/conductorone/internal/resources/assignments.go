package resources

import (
	"cmp"
	"fmt"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"

	"sentinelone-provisioner/internal/access"
)

// Names are the names of a role and of its scope; "" for unknown ones.
type Names struct {
	Role    string
	Scope   string // of the account or site
	Account string // of a site
}

// NewAssignment is the resource of a role at a scope. Its trait points to the resources of both, which must be
// listed as well: ConductorOne drops it in silence otherwise.
func NewAssignment(h access.Holding, n Names) *v2.Resource {
	scope := scopeName(h, n)
	return &v2.Resource{
		Id:          resourceID(RoleAssignment, AssignmentOf(h)),
		DisplayName: clip(named(n.Role, "role", h.RoleID)+" at "+scope, maxName),
		Profile: profile{
			"role_id": h.RoleID, "role_name": n.Role, "scope_level": string(h.Level), "scope_id": h.ScopeID,
			"scope_name": scope,
		}.asStruct(),
		Annotations: pack(&v2.ScopeBindingTrait{
			RoleId: resourceID(Role, h.RoleID), ScopeResourceId: ScopeID(h.Scope()),
		}),
	}
}

// AssignmentOf is the id of the resource of a role at a scope.
func AssignmentOf(h access.Holding) string {
	if h.Level == access.Tenant {
		return AssignmentID(h.RoleID, TenantID)
	}
	return AssignmentID(h.RoleID, h.ScopeID)
}

func scopeName(h access.Holding, n Names) string {
	switch {
	case h.Level == access.Tenant:
		return "the tenant"
	case h.Level == access.SiteLevel && n.Account != "":
		return clip(n.Account, maxName) + " / " + named(n.Scope, "site", h.ScopeID)
	}
	return named(n.Scope, string(h.Level), h.ScopeID)
}

// ScopeID is the id of the resource of a scope.
func ScopeID(s access.Scope) *v2.ResourceId {
	switch s.Level {
	case access.AccountLevel:
		return resourceID(Account, s.ID)
	case access.SiteLevel:
		return resourceID(Site, s.ID)
	case access.Tenant, access.GroupLevel:
	}
	return resourceID(Tenant, TenantID)
}

// HoldingOf is the role and the scope of the resource of a role assignment, by its trait: its id alone does not say
// whether the scope is an account or a site. It refuses a trait that contradicts the id: people saw and approved the
// one, and the other would be provisioned.
func HoldingOf(of *v2.Resource) (access.Holding, error) {
	trait := &v2.ScopeBindingTrait{}
	notes := annotations.Annotations(of.GetAnnotations())
	found, err := notes.Pick(trait)
	if err != nil || !found {
		return access.Holding{}, fmt.Errorf("ConductorOne did not say which role and scope %s %s is about: sync, "+
			"then request it again: %w", of.GetId().GetResourceType(), of.GetId().GetResource(),
			cmp.Or(err, errNoTrait))
	}
	if t := trait.GetRoleId().GetResourceType(); t != Role {
		return access.Holding{}, fmt.Errorf("%s %s names a %q as its role: sync, then request it again",
			of.GetId().GetResourceType(), of.GetId().GetResource(), t)
	}
	h := access.Holding{RoleID: trait.GetRoleId().GetResource(), ScopeID: trait.GetScopeResourceId().GetResource()}
	switch trait.GetScopeResourceId().GetResourceType() {
	case Tenant:
		h.Level, h.ScopeID = access.Tenant, ""
	case Account:
		h.Level = access.AccountLevel
	case Site:
		h.Level = access.SiteLevel
	}
	if h.Level == "" || h.RoleID == "" || h.Level != access.Tenant && h.ScopeID == "" {
		return access.Holding{}, fmt.Errorf("%s %s names role %q at %s %q: a role is held at the tenant, an account "+
			"or a site: sync, then request it again", of.GetId().GetResourceType(), of.GetId().GetResource(), h.RoleID,
			trait.GetScopeResourceId().GetResourceType(), h.ScopeID)
	}
	scope := trait.GetScopeResourceId().GetResource()
	if of.GetId().GetResource() != AssignmentOf(h) || scope != ScopeID(h.Scope()).GetResource() {
		return access.Holding{}, fmt.Errorf("%s %s names role %q at %s %q, which is another role or scope than its id "+
			"says: sync, then request it again", of.GetId().GetResourceType(), of.GetId().GetResource(), h.RoleID,
			trait.GetScopeResourceId().GetResourceType(), scope)
	}
	return h, nil
}
