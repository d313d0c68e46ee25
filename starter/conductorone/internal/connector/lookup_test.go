package connector_test

import (
	"slices"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

func getResource(t *testing.T, c types.ConnectorServer, typeID, id string) (*v2.Resource, error) {
	t.Helper()
	r, err := c.GetResource(t.Context(), &v2.ResourceGetterServiceGetResourceRequest{
		ResourceId: &v2.ResourceId{ResourceType: typeID, Resource: id},
	})
	return r.GetResource(), err
}

// partly is the small console as a token sees it that must not see all: assignments name roles, accounts and sites
// that the console does not list.
func partly() storetest.World {
	w := storetest.Small()
	w.Roles, w.Sites, w.Accounts = w.Roles[:1], w.Sites[2:], w.Accounts[1:]
	return w
}

// What a sync lists can be read one by one, and is the same bytes: ConductorOne reads a resource again after it has
// provisioned something, and would otherwise show a change, or delete what it cannot find.
func TestGet_EqualsTheList(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]storetest.World{"all listed": storetest.Small(), "partly listed": partly()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := storetest.Open(t)
			storetest.Sync(t, s, "one", time.Now(), w)
			c := serve(t, s, settings.Config{})
			listed := sync(t, c).resources
			seenTypes := map[string]bool{}
			for _, want := range listed {
				typeID, id := want.GetId().GetResourceType(), want.GetId().GetResource()
				seenTypes[typeID] = true
				got, err := getResource(t, c, typeID, id)
				require.NoError(t, err, "%s %s", typeID, id)
				require.Equal(t, encoded(t, want), encoded(t, got), "%s %s", typeID, id)
			}
			require.Len(t, seenTypes, len(resources.Types()), "each type has a resource")
		})
	}
}

func encoded(t *testing.T, m proto.Message) string {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	return string(b)
}

// A role at a scope at which nobody holds it can be read too: ConductorOne makes up its id when a person requests it.
func TestGet_RoleThatNobodyHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world             storetest.World
		id, display, role string
		scope             *v2.ResourceId
	}{
		"tenant": {
			storetest.Small(), "302-tenant", "SOC at the tenant", "302",
			&v2.ResourceId{ResourceType: "tenant", Resource: "tenant"},
		},
		"account": {
			storetest.Small(), "302-102", "SOC at Globex", "302",
			&v2.ResourceId{ResourceType: "account", Resource: "102"},
		},
		"site": {
			storetest.Small(), "301-204", "Admin at Globex / Rome", "301",
			&v2.ResourceId{ResourceType: "site", Resource: "204"},
		},
		"role, account and site that are not listed": {
			partly(), "303-202", "role 303 at site 202", "303",
			&v2.ResourceId{ResourceType: "site", Resource: "202"},
		},
		"account that is not listed": {
			partly(), "301-101", "Admin at account 101", "301",
			&v2.ResourceId{ResourceType: "account", Resource: "101"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := storetest.Open(t)
			storetest.Sync(t, s, "one", time.Now(), c.world)
			server := serve(t, s, settings.Config{})
			require.False(t, slices.Contains(sync(t, server).resourceIDs(), resources.RoleAssignment+":"+c.id))
			got, err := getResource(t, server, resources.RoleAssignment, c.id)
			require.NoError(t, err)
			require.Equal(t, c.display, got.GetDisplayName())
			trait := &v2.ScopeBindingTrait{}
			require.Len(t, got.GetAnnotations(), 1)
			require.NoError(t, got.GetAnnotations()[0].UnmarshalTo(trait))
			require.Equal(t, "role:"+c.role, trait.GetRoleId().GetResourceType()+":"+trait.GetRoleId().GetResource())
			require.True(t, proto.Equal(c.scope, trait.GetScopeResourceId()), trait.GetScopeResourceId())
		})
	}
}

// An id that the last sync has not seen is not found, of whatever type, and the answer says what to do.
func TestGet_Unknown(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), partly())
	c := serve(t, s, settings.Config{})
	for typeID, ids := range map[string][]string{
		resources.Tenant:         {"999", ""},
		resources.Account:        {"999", "", "201", "302"},
		resources.Site:           {"999", "", "101", "302"},
		resources.Role:           {"999", "", "101", "201"},
		resources.User:           {"999", "", "501"},
		resources.ServiceUser:    {"999", "", "401"},
		resources.RoleAssignment: {"999-tenant", "301-999", "999-999", "301", "301-", "-tenant", "", "tenant-301"},
	} {
		for _, id := range ids {
			_, err := getResource(t, c, typeID, id)
			require.Equal(t, codes.NotFound, status.Code(err), "%s %q: %v", typeID, id, err)
			require.ErrorContains(t, err, "shows no "+typeID+" "+id+": sync the connector in ConductorOne")
		}
	}
	require.Len(t, resources.Types(), 7)
}
