package resources_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

var update = flag.Bool("update", false, "write the golden file anew")

var joined = time.Date(2025, 3, 1, 8, 30, 0, 0, time.UTC)

// examples are one object of each kind.
func examples() []proto.Message {
	berlin := access.Site{ID: "201", Name: "Berlin", AccountID: "101", AccountName: "Acme", State: "active"}
	soc := access.Role{ID: "303", Name: "SOC", Description: "custom", Scope: access.AccountLevel, ScopeID: "101"}
	at := func(level access.Level, scope string) *v2.Resource {
		return resources.NewAssignment(access.Holding{RoleID: "303", Level: level, ScopeID: scope},
			resources.Names{Role: "SOC", Scope: "Berlin", Account: "Acme"})
	}
	held := access.Assignment{
		PrincipalKind: access.ServiceUser, PrincipalID: "501", RoleID: "303", Level: access.SiteLevel, ScopeID: "201",
	}
	return []proto.Message{
		resources.NewTenant("acmeco.sentinelone.net"),
		resources.NewAccount(access.Account{ID: "101", Name: "Acme", State: "active"}),
		resources.NewSite(berlin),
		resources.NewRole(soc),
		resources.NewRole(access.Role{ID: "999"}), // one that the console does not list
		resources.NewPrincipal(access.Principal{
			Kind: access.User, ID: "401", Email: "ana@example.com", Name: "Ana Maria Example", Level: access.Tenant,
			Source: "sso_saml", TwoFAEnabled: true, EmailVerified: true, RolesReadOnly: true,
			CreatedAt: &joined, LastActiveAt: &joined, TokenExpiresAt: &joined,
		}),
		resources.NewPrincipal(access.Principal{
			Kind: access.ServiceUser, ID: "501", Name: "pipeline", Level: access.SiteLevel,
		}),
		at(access.Tenant, ""), at(access.AccountLevel, "101"), at(access.SiteLevel, "201"),
		resources.Members(resources.NewAccount(access.Account{ID: "101", Name: "Acme"})),
		resources.Members(resources.NewSite(berlin)),
		resources.AssignedTo(at(access.SiteLevel, "201")),
		resources.Levels(resources.NewRole(soc))[0],
		resources.MemberGrant(held), resources.AssignedGrant(held, false), resources.AssignedGrant(held, true),
		resources.LevelGrant(held),
		resources.Type(resources.RoleAssignment, false), resources.Type(resources.Role, true),
	}
}

// What ConductorOne receives of each kind is in a file, so that a change of it is seen. To write it anew:
// go test ./internal/resources -update.
func TestGolden(t *testing.T) {
	t.Parallel()
	const file = "testdata/golden.json"
	var got bytes.Buffer
	for _, m := range examples() {
		got.Write(readable(t, m))
	}
	if *update {
		require.NoError(t, os.WriteFile(file, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// readable is a message as JSON with sorted keys: protojson's own spaces are random.
func readable(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := protojson.Marshal(m)
	require.NoError(t, err)
	var decoded any
	require.NoError(t, json.Unmarshal(b, &decoded))
	b, err = json.MarshalIndent(decoded, "", "  ")
	require.NoError(t, err)
	return append(b, '\n')
}

// The same object always gives the same bytes, also within annotations: a profile is a map.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	encode := func(m proto.Message) string {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		return string(b)
	}
	first := examples()
	for range 30 {
		for i, m := range examples() {
			require.Equal(t, encode(first[i]), encode(m))
		}
	}
}

// Ids are those that the SDK makes of the same type, resource and slug.
func TestIds_AreTheSDKs(t *testing.T) {
	t.Parallel()
	for _, m := range examples() {
		switch m := m.(type) {
		case *v2.Entitlement:
			require.Equal(t, entitlement.NewEntitlementID(m.GetResource(), m.GetSlug()), m.GetId())
		case *v2.Grant:
			require.Equal(t, grant.NewGrantID(m.GetPrincipal(), m.GetEntitlement()), m.GetId())
		}
	}
}

// The trait of a role assignment alone says its role and its scope, and what has no such trait, or half of one, is
// refused with what to do.
func TestHoldingOf(t *testing.T) {
	t.Parallel()
	for _, h := range []access.Holding{
		{RoleID: "303", Level: access.Tenant},
		{RoleID: "303", Level: access.AccountLevel, ScopeID: "101"},
		{RoleID: "303", Level: access.SiteLevel, ScopeID: "201"},
	} {
		r := resources.NewAssignment(h, resources.Names{})
		r.Id.Resource = "another-id"
		got, err := resources.HoldingOf(r)
		require.NoError(t, err)
		require.Equal(t, h, got)
	}
	_, err := resources.HoldingOf(resources.NewSite(access.Site{ID: "201"}))
	require.ErrorContains(t, err, "which role and scope site 201 is about: sync, then request it again")
	_, err = resources.HoldingOf(resources.NewAssignment(access.Holding{Level: access.SiteLevel, RoleID: "303"},
		resources.Names{}))
	require.ErrorContains(t, err, "sync, then request it again")
}

func TestPrincipalOf(t *testing.T) {
	t.Parallel()
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		got, id, err := resources.PrincipalOf(resources.PrincipalID(kind, "401"))
		require.NoError(t, err)
		require.Equal(t, kind, got)
		require.Equal(t, "401", id)
	}
	_, _, err := resources.PrincipalOf(resources.ScopeID(access.Scope{Level: access.SiteLevel, ID: "201"}))
	require.ErrorContains(t, err, "site 201 cannot hold a role")
}

// Texts are cut to what ConductorOne's protocol takes, between characters: it refuses calls with longer ones.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 5000)
	site := resources.NewSite(access.Site{ID: "201", Name: long, AccountName: long})
	role := resources.NewRole(access.Role{ID: "301", Name: long, Description: long})
	user := resources.NewPrincipal(access.Principal{Kind: access.User, ID: "401", Name: long, Description: long})
	held := resources.NewAssignment(access.Holding{RoleID: "301", Level: access.SiteLevel, ScopeID: "201"},
		resources.Names{Role: long, Scope: long, Account: long})
	for _, r := range []*v2.Resource{site, role, user, held} {
		require.NoError(t, r.Validate())
		require.Less(t, proto.Size(r), 64<<10)
		require.NotContains(t, r.GetDisplayName(), "\ufffd")
	}
	for _, e := range append(resources.Levels(role), resources.Members(site), resources.AssignedTo(held)) {
		require.NoError(t, e.Validate())
	}
}

// Every type that has entitlements has them in one stream, and each other type has none, so that no resource costs a
// call of its own.
func TestTypes(t *testing.T) {
	t.Parallel()
	for _, id := range resources.Types() {
		for _, stock := range []bool{false, true} {
			rt := resources.Type(id, stock)
			require.NoError(t, rt.Validate())
			require.NotEmpty(t, rt.GetDisplayName(), id)
			require.NotEmpty(t, rt.GetDescription(), id)
			streams, none := 0, 0
			for _, a := range rt.GetAnnotations() {
				if a.MessageIs(&v2.TypeScopedEntitlements{}) || a.MessageIs(&v2.TypeScopedGrants{}) {
					streams++
				}
				if a.MessageIs(&v2.SkipEntitlementsAndGrants{}) {
					none++
				}
			}
			require.True(t, streams == 2 && none == 0 || streams == 0 && none == 1, id)
		}
	}
}
