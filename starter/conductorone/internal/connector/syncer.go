package connector

import (
	"context"
	"fmt"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// part reads some rows of one part of a list after a position, adds what they give to the page, and returns how many
// it has read: pageRows if there may be more.
type part[T proto.Message] func(ctx context.Context, r snapshot.Reader, at position, to *page[T]) (read int, err error)

// syncer lists one resource type, its entitlements and its grants. Those of all resources of the type come as one
// stream of pages, so that the SDK does not ask for each resource.
type syncer struct {
	id     string
	source snapshot.Source // nil without settings
	stock  bool

	resources    []part[*v2.Resource]
	entitlements []part[*v2.Entitlement]
	grants       []part[*v2.Grant]
}

// ResourceType describes the type.
func (s *syncer) ResourceType(context.Context) *v2.ResourceType { return resources.Type(s.id, s.stock) }

// List lists the resources of the type. All of them are listed at the top.
func (s *syncer) List(
	ctx context.Context, parent *v2.ResourceId, opts rs.SyncOpAttrs,
) ([]*v2.Resource, *rs.SyncOpResults, error) {
	if parent.GetResource() != "" {
		return nil, &rs.SyncOpResults{}, nil
	}
	return list(ctx, s.source, opts, s.resources)
}

// EntitlementsForResourceType lists the entitlements of all resources of the type.
func (s *syncer) EntitlementsForResourceType(
	ctx context.Context, _ string, opts rs.SyncOpAttrs,
) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return list(ctx, s.source, opts, s.entitlements)
}

// GrantsForResourceType lists the grants of all resources of the type.
func (s *syncer) GrantsForResourceType(
	ctx context.Context, _ string, opts rs.SyncOpAttrs,
) ([]*v2.Grant, *rs.SyncOpResults, error) {
	return list(ctx, s.source, opts, s.grants)
}

// Entitlements is for types of which each resource is asked: users and the like, which have none.
func (s *syncer) Entitlements(
	context.Context, *v2.Resource, rs.SyncOpAttrs,
) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return nil, nil, s.perResource("entitlements", len(s.entitlements))
}

// Grants is as Entitlements.
func (s *syncer) Grants(context.Context, *v2.Resource, rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	return nil, nil, s.perResource("grants", len(s.grants))
}

// perResource fails rather than to say that a resource has none.
func (s *syncer) perResource(what string, parts int) error {
	if parts == 0 {
		return nil
	}
	return explain.Newf(codes.Unimplemented, "the %s of one resource of type %s were asked for, and this connector "+
		"lists those of all: sync with baton-sdk v0.26.0 or later", what, s.id)
}

// list is one page of a list.
func list[T proto.Message](
	ctx context.Context, source snapshot.Source, opts rs.SyncOpAttrs, parts []part[T],
) ([]T, *rs.SyncOpResults, error) {
	at, err := parsePosition(opts.PageToken.Token)
	if err == nil && at.Phase > max(len(parts)-1, 0) {
		err = fmt.Errorf("page token %q is not from this list: sync again from the begin", opts.PageToken.Token)
	}
	if err != nil {
		return nil, nil, explain.Newf(codes.InvalidArgument, "%w", err)
	}
	if len(parts) == 0 {
		return nil, &rs.SyncOpResults{}, nil
	}
	if source == nil {
		return nil, nil, explain.Newf(codes.FailedPrecondition,
			"no console is configured: set --management-console-url, then sync again")
	}
	r, err := source.Pin(ctx, opts.SyncID, at.Snapshot)
	if err != nil {
		return nil, nil, explain.Read(err)
	}
	at.Snapshot = r.Snapshot().ID
	var out page[T]
	read, err := parts[at.Phase](ctx, r, at, &out)
	if err != nil {
		return nil, nil, explain.Read(err)
	}
	return out.rows, out.next(at, read, len(parts)), nil
}
