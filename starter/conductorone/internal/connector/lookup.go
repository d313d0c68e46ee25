package connector

import (
	"context"
	"strings"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// lookup reads single resources from the last proven snapshot.
type lookup struct {
	source snapshot.Source
	// directory has the names of scopes; nil for none.
	directory func(context.Context) (store.Directory, error)
}

// Resource is one resource, and when the sync that saw it had ended.
func (l lookup) Resource(ctx context.Context, id *v2.ResourceId) (*v2.Resource, time.Time, error) {
	r, err := l.source.Latest(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	at := r.Snapshot().FinishedAt
	found, err := l.find(ctx, r, id)
	if err == nil && found == nil {
		err = explain.Newf(codes.NotFound, "the last sync of the console, which ended at %s, shows no %s %s: sync the "+
			"connector in ConductorOne", at.UTC().Format(time.RFC3339), id.GetResourceType(), id.GetResource())
	}
	return found, at, err
}

// find is nil where the snapshot has no such resource.
func (l lookup) find(ctx context.Context, r snapshot.Reader, id *v2.ResourceId) (*v2.Resource, error) {
	switch name := id.GetResource(); id.GetResourceType() {
	case resources.Tenant:
		if name == resources.TenantID {
			return resources.NewTenant(r.Snapshot().Console), nil
		}
	case resources.Account:
		return made(resources.NewAccount)(account(ctx, r, name))
	case resources.Site:
		return made(resources.NewSite)(site(ctx, r, name))
	case resources.Role:
		return made(resources.NewRole)(role(ctx, r, name))
	case resources.User:
		return made(resources.NewPrincipal)(r.Principal(ctx, access.User, name))
	case resources.ServiceUser:
		return made(resources.NewPrincipal)(r.Principal(ctx, access.ServiceUser, name))
	case resources.RoleAssignment:
		return assignmentNamed(ctx, r, name)
	}
	return nil, nil
}

func made[T any](resource func(T) *v2.Resource) func(*T, error) (*v2.Resource, error) {
	return func(found *T, err error) (*v2.Resource, error) {
		if err != nil || found == nil {
			return nil, err
		}
		return resource(*found), nil
	}
}

// account is nil where the snapshot neither has an account nor names it in an assignment.
func account(ctx context.Context, r snapshot.Reader, id string) (*access.Account, error) {
	found, err := r.Account(ctx, id)
	if err != nil || found != nil {
		return found, err
	}
	return ifAssigned(ctx, r, access.Account{ID: id})
}

// site is as account.
func site(ctx context.Context, r snapshot.Reader, id string) (*access.Site, error) {
	found, err := r.Site(ctx, id)
	if err != nil || found != nil {
		return found, err
	}
	return ifAssigned(ctx, r, access.Site{ID: id})
}

// role is as account.
func role(ctx context.Context, r snapshot.Reader, id string) (*access.Role, error) {
	found, err := r.Role(ctx, id)
	if err != nil || found != nil {
		return found, err
	}
	return ifAssigned(ctx, r, access.Role{ID: id})
}

// ifAssigned is an entity of which only the id is known, as [unlisted] lists it; nil if no assignment names it.
func ifAssigned[E access.Entity](ctx context.Context, r snapshot.Reader, bare E) (*E, error) {
	is, err := r.IsAssigned(ctx, bare.In(), bare.Key())
	if err != nil || !is {
		return nil, err
	}
	return &bare, nil
}

// assignmentNamed is the role at a scope that an id names, as [resources.AssignmentID] makes it, also where nobody
// holds it; nil if the role or the scope is not there.
func assignmentNamed(ctx context.Context, r snapshot.Reader, id string) (*v2.Resource, error) {
	roleID, scopeID, _ := strings.Cut(id, "-")
	of, err := role(ctx, r, roleID)
	if err != nil || of == nil {
		return nil, err
	}
	h := access.Holding{Level: access.Tenant, RoleID: roleID}
	names := resources.Names{Role: of.Name}
	if scopeID == resources.TenantID {
		return resources.NewAssignment(h, names), nil
	}
	h.ScopeID = scopeID
	atAccount, err := account(ctx, r, scopeID)
	if err != nil {
		return nil, err
	}
	if atAccount != nil {
		h.Level, names.Scope = access.AccountLevel, atAccount.Name
		return resources.NewAssignment(h, names), nil
	}
	atSite, err := site(ctx, r, scopeID)
	if err != nil || atSite == nil {
		return nil, err
	}
	h.Level, names.Scope = access.SiteLevel, atSite.Name
	parent, err := r.Account(ctx, atSite.AccountID)
	if err != nil {
		return nil, err
	}
	if parent != nil {
		names.Account = parent.Name
	}
	return resources.NewAssignment(h, names), nil
}

// Scopes are the scopes of the console by name.
func (l lookup) Scopes(ctx context.Context) (selector.Scopes, error) {
	if l.directory == nil {
		return store.Directory{}, nil
	}
	return l.directory(ctx)
}
