package provision

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

// target is what a task of ConductorOne is about: a role at a scope, and who has it or shall have it.
type target struct {
	principal access.PrincipalRef
	holding   access.Holding
}

// targetOf reads role and scope from the trait of the entitlement's resource. ConductorOne also makes up resources
// that no sync has seen, so that the resource's parent says nothing; its id must agree with the trait.
func targetOf(e *v2.Entitlement, principal *v2.ResourceId) (target, error) {
	slug := e.GetSlug()
	if slug == "" && strings.HasSuffix(e.GetId(), ":"+resources.Assigned) {
		slug = resources.Assigned
	}
	if slug != resources.Assigned {
		return target{}, explain.Newf(codes.InvalidArgument,
			"the entitlement %q of a role assignment cannot be provisioned: request %q",
			cmp.Or(slug, e.GetId()), resources.Assigned)
	}
	holding, err := resources.HoldingOf(e.GetResource())
	if err != nil {
		return target{}, explain.Newf(codes.InvalidArgument, "%w", err)
	}
	t := target{holding: holding}
	return t, t.setPrincipal(principal)
}

func (t *target) setPrincipal(id *v2.ResourceId) error {
	var err error
	if t.principal.Kind, t.principal.ID, err = resources.PrincipalOf(id); err != nil {
		return explain.Newf(codes.InvalidArgument, "only users and service users can have a role, and not a %q: "+
			"request it for a user or a service user", id.GetResourceType())
	}
	if err := t.selectors(); err != nil {
		return explain.Newf(codes.InvalidArgument,
			"%w: start a sync of the connector, then request the role again", err)
	}
	return nil
}

// selectors checks what the request would name.
func (t *target) selectors() error {
	if err := t.principalSelector().Validate(); err != nil {
		return err
	}
	if err := t.role().Validate(); err != nil {
		return err
	}
	return t.scope().Validate()
}

func (t *target) principalSelector() access.PrincipalSelector {
	return access.PrincipalSelector{Kind: t.principal.Kind, ID: t.principal.ID}
}

func (t *target) role() access.RoleSelector { return access.RoleSelector{ID: t.holding.RoleID} }

func (t *target) scope() access.ScopeSelector {
	return access.ScopeSelector{Level: t.holding.Level, ID: t.holding.ScopeID}
}

// isOf reports whether a plan is about this target: anybody who reaches Temporal can start a request under any id.
func (t *target) isOf(p access.Plan) bool {
	return p.Principal.Kind == t.principal.Kind && p.Principal.ID == t.principal.ID && p.Holding() == t.holding &&
		len(p.AllScopes()) == 1
}

// key is the part of request ids behind the prefix.
func (t *target) key(console string) string {
	return RequestKey(console, string(t.principal.Kind), t.principal.ID, t.holding.RoleID, string(t.holding.Level),
		t.holding.ScopeID)
}

// RequestKey is the part of a request's id behind the prefix of its kind: the same for the same parts, so that what
// ConductorOne requests twice joins what runs. Names and addresses are hashed: Temporal does not encrypt ids. The parts
// of grants and revokes of role assignments begin with the console; all others begin with what is requested.
func RequestKey(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	text := base32.StdEncoding.EncodeToString(sum[:])
	return "c1-" + strings.ToLower(text[:keyLength])
}

// keyLength is how many characters, of five bits each, of the hash are in an id: a person types it.
const keyLength = 16

func (t *target) grantID(console string) string  { return wire.GrantID(t.key(console)) }
func (t *target) revokeID(console string) string { return wire.RevokeID(t.key(console)) }

// grant is ConductorOne's grant by which the principal has a role at a scope, as a sync lists it.
func (t *target) grant(h access.Holding) *v2.Grant {
	return resources.AssignedGrant(access.Assignment{
		PrincipalKind: t.principal.Kind, PrincipalID: t.principal.ID,
		RoleID: h.RoleID, Level: h.Level, ScopeID: h.ScopeID,
	}, false)
}
