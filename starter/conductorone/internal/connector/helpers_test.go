package connector_test

import (
	"context"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/segmentio/ksuid"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/starter/conductorone/internal/connector"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// noSync is a worker that cannot be reached.
type noSync struct{ t *testing.T }

func (n noSync) Sync(context.Context) (snapshot.Run, error) {
	n.t.Error("a sync of the console was started")
	return nil, context.Canceled
}

// serve is a connector on a store, as the SDK serves it.
func serve(t *testing.T, s *store.Store, set settings.Config) types.ConnectorServer {
	t.Helper()
	source := snapshot.New(snapshot.Options{
		Console: storetest.Console, Open: func(context.Context) (*store.Store, error) { return s, nil },
		Syncer: noSync{t}, MaxAge: time.Hour, Wait: time.Second, Poll: time.Millisecond,
	})
	server, err := connectorbuilder.NewConnector(t.Context(), connector.New(set, source, source.Check))
	require.NoError(t, err)
	return server
}

// seen is everything that a sync of ConductorOne receives, in the order in which it came.
type seen struct {
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*v2.Grant
	calls        int
}

// sync asks as the SDK's syncer does: one call for each page of each type, and none for a single resource.
func sync(t *testing.T, c types.ConnectorServer) (out seen) {
	t.Helper()
	id := ksuid.New().String()
	listed, err := c.ListResourceTypes(t.Context(), &v2.ResourceTypesServiceListResourceTypesRequest{})
	require.NoError(t, err)
	out.types = listed.GetList()
	for _, rt := range out.types {
		out.pages(func(token string) string {
			r, err := c.ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{
				ResourceTypeId: rt.GetId(), PageToken: token, ActiveSyncId: id,
			})
			require.NoError(t, err)
			out.resources = append(out.resources, r.GetList()...)
			return r.GetNextPageToken()
		})
	}
	for _, rt := range out.types {
		stub := &v2.Resource{Id: &v2.ResourceId{ResourceType: rt.GetId(), Resource: rt.GetId()}}
		marks := annotations.Annotations(rt.GetAnnotations())
		if !marks.Contains(&v2.TypeScopedGrants{}) {
			require.True(t, marks.Contains(&v2.SkipEntitlementsAndGrants{}), rt.GetId())
			continue
		}
		out.pages(func(token string) string {
			r, err := c.ListEntitlements(t.Context(), &v2.EntitlementsServiceListEntitlementsRequest{
				Resource: stub, PageToken: token, ActiveSyncId: id,
				Annotations: annotations.New(&v2.TypeScopedEntitlements{}),
			})
			require.NoError(t, err)
			out.entitlements = append(out.entitlements, r.GetList()...)
			return r.GetNextPageToken()
		})
		out.pages(func(token string) string {
			r, err := c.ListGrants(t.Context(), &v2.GrantsServiceListGrantsRequest{
				Resource: stub, PageToken: token, ActiveSyncId: id,
				Annotations: annotations.New(&v2.TypeScopedGrants{}),
			})
			require.NoError(t, err)
			out.grants = append(out.grants, r.GetList()...)
			return r.GetNextPageToken()
		})
	}
	return out
}

func (s *seen) pages(one func(token string) string) {
	for token := ""; ; {
		s.calls++
		if token = one(token); token == "" {
			return
		}
	}
}
