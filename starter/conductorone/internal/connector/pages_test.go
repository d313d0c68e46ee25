package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/segmentio/ksuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// Two syncs of an unchanged console are the same bytes, whatever the order in which the SDK asks for the types.
func TestSync_SameBytes(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), storetest.Small())
	c := serve(t, s, settings.Config{StockCompatible: true})
	first := sync(t, c)
	storetest.Sync(t, s, "two", time.Now(), storetest.Small())
	second := sync(t, serve(t, s, settings.Config{StockCompatible: true}))
	require.Equal(t, first.bytes(t), second.bytes(t))
}

func (s seen) bytes(t *testing.T) (out []string) {
	t.Helper()
	add := func(m proto.Message) {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		out = append(out, string(b))
	}
	for _, m := range s.types {
		add(m)
	}
	for _, m := range s.resources {
		add(m)
	}
	for _, m := range s.entitlements {
		add(m)
	}
	for _, m := range s.grants {
		add(m)
	}
	slices.Sort(out)
	return out
}

// An empty tenant is one tenant and nothing else.
func TestSync_EmptyTenant(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), storetest.World{})
	got := sync(t, serve(t, s, settings.Config{}))
	require.Equal(t, []string{"tenant:tenant"}, got.resourceIDs())
	require.Empty(t, got.entitlements)
	require.Empty(t, got.grants)
}

// A role assignment points to resources that are listed too, also where the console does not list the role, the
// account or the site: ConductorOne drops it in silence otherwise. A grant has its entitlement and its principal.
func TestSync_NothingDangles(t *testing.T) {
	t.Parallel()
	w := storetest.Small()
	w.Roles, w.Sites, w.Accounts = w.Roles[:1], w.Sites[2:], w.Accounts[1:]
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), w)
	got := sync(t, serve(t, s, settings.Config{StockCompatible: true}))
	listed, entitled := map[string]int{}, map[string]int{}
	for _, id := range got.resourceIDs() {
		listed[id]++
	}
	for _, id := range got.entitlementIDs() {
		entitled[id]++
	}
	for id, n := range listed {
		require.Equal(t, 1, n, id)
	}
	require.Equal(t, 1, listed["role:302"])
	require.Equal(t, 1, listed["account:101"])
	require.Equal(t, 1, listed["site:201"])
	bindings := 0
	for _, r := range got.resources {
		trait := &v2.ScopeBindingTrait{}
		notes := annotations.Annotations(r.GetAnnotations())
		if found, err := notes.Pick(trait); err != nil || !found {
			require.NoError(t, err)
			continue
		}
		bindings++
		for _, id := range []*v2.ResourceId{trait.GetRoleId(), trait.GetScopeResourceId()} {
			require.Equal(t, 1, listed[id.GetResourceType()+":"+id.GetResource()], id)
		}
	}
	require.Equal(t, 7, bindings)
	for _, g := range got.grants {
		require.Equal(t, 1, entitled[g.GetEntitlement().GetId()], g.GetId())
		who := g.GetPrincipal().GetId()
		require.Equal(t, 1, listed[who.GetResourceType()+":"+who.GetResource()], g.GetId())
	}
	require.Len(t, got.grants, 17)
}

// Roles with one name stay apart by id, and so do sites.
func TestSync_RepeatedNames(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), storetest.Small())
	names := map[string]string{}
	for _, r := range sync(t, serve(t, s, settings.Config{})).resources {
		names[r.GetId().GetResourceType()+":"+r.GetId().GetResource()] = r.GetDisplayName()
	}
	require.Equal(t, "SOC", names["role:302"])
	require.Equal(t, "SOC", names["role:303"])
	require.Equal(t, "SOC at the tenant", names["role_assignment:303-tenant"])
	require.Equal(t, "SOC at Acme", names["role_assignment:302-101"])
	require.Equal(t, "SOC at Acme / Berlin", names["role_assignment:302-201"])
	require.Equal(t, "SOC at Globex / Berlin", names["role_assignment:302-203"])
}

// Grants that the provisioner would refuse to revoke are immutable, and so is what only follows from them; the others
// are not.
func TestSync_Immutable(t *testing.T) {
	t.Parallel()
	w := storetest.Small()
	w.Principals = append(w.Principals, access.Principal{
		Kind: access.User, ID: "404", Name: "system", IsSystem: true, Level: access.Tenant,
		Held: []access.HeldRole{{RoleID: "301"}},
	})
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), w)
	require.NoError(t, s.KeepTokenOwner(t.Context(), storetest.Console, "401"))
	got := sync(t, serve(t, s, settings.Config{StockCompatible: true}))
	for _, g := range got.grants {
		notes := annotations.Annotations(g.GetAnnotations())
		is := notes.Contains(&v2.GrantImmutable{})
		assigned := strings.HasPrefix(g.GetId(), resources.RoleAssignment+":")
		who := g.GetPrincipal().GetId().GetResource() // 401 owns the token, 402 is read-only, 404 a system user
		require.Equal(t, !assigned || who == "401" || who == "402" || who == "404", is, g.GetId())
	}
	for _, e := range got.entitlements {
		notes := annotations.Annotations(e.GetAnnotations())
		is := notes.Contains(&v2.EntitlementImmutable{})
		require.Equal(t, !strings.HasPrefix(e.GetId(), resources.RoleAssignment+":"), is, e.GetId())
	}
}

// A principal with 2,000 roles is complete, once each, although no page holds it.
func TestSync_ManyRoles(t *testing.T) {
	t.Parallel()
	w := storetest.World{
		Accounts: []access.Account{{ID: "101", Name: "Acme"}},
		Roles:    []access.Role{{ID: "301", Name: "SOC"}, {ID: "302", Name: "SOC"}},
	}
	ana := access.Principal{Kind: access.User, ID: "401", Name: "Ana", Level: access.SiteLevel}
	for i := range 1000 {
		id := fmt.Sprint(20_000 + i)
		w.Sites = append(w.Sites, access.Site{ID: id, Name: "Berlin", AccountID: "101"})
		ana.Held = append(ana.Held,
			access.HeldRole{RoleID: "301", ScopeID: id}, access.HeldRole{RoleID: "302", ScopeID: id})
	}
	w.Principals = []access.Principal{ana}
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), w)
	got := sync(t, serve(t, s, settings.Config{}))
	once := map[string]int{}
	for _, id := range got.grantIDs() {
		once[id]++
	}
	require.Len(t, got.grants, 3000)
	require.Len(t, once, 3000)
	for i := range 1000 {
		require.Equal(t, 1, once[fmt.Sprintf("role_assignment:302-%d:assigned:user:401", 20_000+i)])
		require.Equal(t, 1, once[fmt.Sprintf("site:%d:member:user:401", 20_000+i)])
	}
	require.Less(t, got.calls, 40, "the SDK asks for pages, and for no single resource")
}

// A page token means the same to another process, and after a promotion. Answers stay below the 4 MiB that the SDK
// takes, whatever the length of names, and leave out nothing.
func TestList_Pages(t *testing.T) {
	t.Parallel()
	w := storetest.World{}
	for i := range 400 {
		w.Principals = append(w.Principals, access.Principal{
			Kind: access.User, ID: fmt.Sprint(1000 + i), Name: strings.Repeat("n", 1000),
			Description: strings.Repeat("d", 2000), Email: strings.Repeat("e", 2000) + "@example.com",
		})
	}
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), w)
	id, ids, token := ksuid.New().String(), map[string]bool{}, ""
	for page := 0; ; page++ {
		r, err := serve(t, s, settings.Config{}).ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{
			ResourceTypeId: resources.User, PageToken: token, ActiveSyncId: id,
		})
		require.NoError(t, err)
		require.Less(t, proto.Size(r), 4<<20)
		for _, one := range r.GetList() {
			require.False(t, ids[one.GetId().GetResource()])
			ids[one.GetId().GetResource()] = true
		}
		if token = r.GetNextPageToken(); token == "" {
			require.Positive(t, page)
			break
		}
		storetest.Sync(t, s, fmt.Sprint("empty", page), time.Now(), storetest.World{})
	}
	require.Len(t, ids, 400)
}

// A token of another connector is refused, and not taken for the begin.
func TestList_ForeignToken(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Sync(t, s, "one", time.Now(), storetest.Small())
	for _, token := range []string{"x", "e30", "eyJzIjoib25lIiwicCI6OX0"} {
		_, err := serve(t, s, settings.Config{}).ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{
			ResourceTypeId: resources.Site, PageToken: token, ActiveSyncId: ksuid.New().String(),
		})
		require.ErrorContains(t, err, "sync again from the begin", token)
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}
}

// Where nothing is proven, a sync fails before it lists anything, finally, and the tenant alone is no answer.
func TestSync_NothingProven(t *testing.T) {
	t.Parallel()
	s, _ := storetest.Open(t)
	storetest.Drain(t, s, "bad", time.Now(), storetest.Small())
	require.NoError(t, s.Quarantine(t.Context(), "bad", []string{"3 of 4 users would be gone"}))
	c := serve(t, s, settings.Config{})
	_, err := c.Validate(t.Context(), &v2.ConnectorServiceValidateRequest{})
	require.NoError(t, err, "the connector itself is right")
	for _, id := range resources.Types() {
		_, err := c.ListResources(t.Context(), &v2.ResourcesServiceListResourcesRequest{
			ResourceTypeId: id, ActiveSyncId: ksuid.New().String(),
		})
		require.Equal(t, codes.FailedPrecondition, status.Code(err), id)
		require.ErrorContains(t, err, "3 of 4 users would be gone: run `starter confirm`", id)
		require.ErrorContains(t, err, settings.Name)
	}
}
