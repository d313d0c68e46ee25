package connector

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// Standalone needs an address and a token, connects when it is asked, lists the console, and answers what it cannot do
// with what to do instead.
func TestOpenStandalone(t *testing.T) {
	t.Parallel()
	server := consoletest.Start(t, consoletest.Options{Sites: 3, Users: 4})
	builder, _, err := Open(t.Context(), &settings.Settings{
		Standalone: true, ConsoleURL: server.URL, Token: settings.Secret(server.Token()),
		MaxAge: "1h", SyncWait: "1m", Wait: "4m", Requester: "conductorone", TaskConcurrency: 10,
	}, nil)
	require.NoError(t, err)
	require.Empty(t, server.Requests(), "the process that only starts the connector reads nothing")

	c, is := builder.(*Connector)
	require.True(t, is)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	_, err = c.Validate(t.Context())
	require.NoError(t, err)
	require.Len(t, server.Requests(), 1)

	served, err := connectorbuilder.NewConnector(t.Context(), builder)
	require.NoError(t, err)
	list, err := served.ListResources(t.Context(), v2.ResourcesServiceListResourcesRequest_builder{
		ResourceTypeId: resources.Site, ActiveSyncId: "one",
	}.Build())
	require.NoError(t, err)
	require.Len(t, list.GetList(), 3)
	for _, p := range server.Truth().Principals {
		of := resources.PrincipalID(p.Kind, p.ID)
		got, err := served.GetResource(t.Context(), v2.ResourceGetterServiceGetResourceRequest_builder{
			ResourceId: of,
		}.Build())
		require.NoError(t, err)
		require.Equal(t, of.GetResource(), got.GetResource().GetId().GetResource())
	}

	role := v2.Resource_builder{Id: v2.ResourceId_builder{
		ResourceType: resources.RoleAssignment, Resource: resources.AssignmentID("1", resources.TenantID),
	}.Build()}.Build()
	assigned := v2.Entitlement_builder{Id: "x", Slug: resources.Assigned, Resource: role}.Build()
	_, err = served.Grant(t.Context(), v2.GrantManagerServiceGrantRequest_builder{
		Entitlement: assigned, Principal: role,
	}.Build())
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.ErrorContains(t, err, "only reads, as with --standalone: to provision")
	_, err = served.Revoke(t.Context(), v2.GrantManagerServiceRevokeRequest_builder{
		Grant: v2.Grant_builder{Id: "y", Entitlement: assigned, Principal: role}.Build(),
	}.Build())
	require.ErrorContains(t, err, "only reads, as with --standalone")
}
