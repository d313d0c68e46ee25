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
	"google.golang.org/protobuf/types/known/anypb"

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

// The trait of a role assignment says its role and its scope, and what has no such trait, half of one, or one that
// contradicts the id, is refused with what to do.
func TestHoldingOf(t *testing.T) {
	t.Parallel()
	for _, h := range []access.Holding{
		{RoleID: "303", Level: access.Tenant},
		{RoleID: "303", Level: access.AccountLevel, ScopeID: "101"},
		{RoleID: "303", Level: access.SiteLevel, ScopeID: "201"},
	} {
		r := resources.NewAssignment(h, resources.Names{})
		got, err := resources.HoldingOf(r)
		require.NoError(t, err)
		require.Equal(t, h, got)
		r.Id.Resource = "304-201"
		_, err = resources.HoldingOf(r)
		require.ErrorContains(t, err, "another role or scope than its id says: sync, then request it again")
	}
	_, err := resources.HoldingOf(resources.NewSite(access.Site{ID: "201"}))
	require.ErrorContains(t, err, "which role and scope site 201 is about: sync, then request it again")
	_, err = resources.HoldingOf(resources.NewAssignment(access.Holding{Level: access.SiteLevel, RoleID: "303"},
		resources.Names{}))
	require.ErrorContains(t, err, "sync, then request it again")
}

// A role that is no role, a scope that is none, and a tenant under another name are refused.
func TestHoldingOf_Types(t *testing.T) {
	t.Parallel()
	id := func(kind, id string) *v2.ResourceId { return &v2.ResourceId{ResourceType: kind, Resource: id} }
	for _, c := range []struct {
		id, want    string
		role, scope *v2.ResourceId
	}{
		{"303-201", "", id("role", "303"), id("site", "201")},
		{"303-201", `names a "user" as its role: sync`, id("user", "303"), id("site", "201")},
		{"303-201", `names a "" as its role: sync`, id("", "303"), id("site", "201")},
		{"303-201", `at user "201": a role is held at`, id("role", "303"), id("user", "201")},
		{"303-tenant", `at tenant "101", which is another`, id("role", "303"), id("tenant", "101")},
	} {
		trait, err := anypb.New(&v2.ScopeBindingTrait{RoleId: c.role, ScopeResourceId: c.scope})
		require.NoError(t, err)
		_, err = resources.HoldingOf(&v2.Resource{
			Id: id(resources.RoleAssignment, c.id), Annotations: []*anypb.Any{trait},
		})
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.want)
	}
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

// Names and texts of the console show what controls a terminal or turns the direction of writing, and what is no
// UTF-8 fails no sync: protobuf refuses it.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	const bad, shown = "a\x1b[2J\u202eb\xffc\nd", `a\x1b[2J\u202eb\xffc d`
	const id = "3\xff"
	account := resources.NewAccount(access.Account{ID: id, Name: bad, State: bad})
	site := resources.NewSite(access.Site{ID: id, Name: bad, AccountID: id, AccountName: bad, State: bad})
	role := resources.NewRole(access.Role{ID: id, Name: bad, Description: bad, Scope: bad, ScopeID: id})
	principal := access.Principal{ID: id, Name: bad, Email: bad, Description: bad, Level: bad, Source: bad}
	held := resources.NewAssignment(access.Holding{RoleID: id, Level: access.SiteLevel, ScopeID: id},
		resources.Names{Role: bad, Scope: bad, Account: bad})
	all := []proto.Message{
		resources.NewTenant(bad), account, site, role, held, resources.Members(site), resources.AssignedTo(held),
		resources.Levels(role)[0],
	}
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		principal.Kind = kind
		all = append(all, resources.NewPrincipal(principal), resources.AssignedGrant(access.Assignment{
			PrincipalKind: kind, PrincipalID: id, RoleID: id, Level: access.SiteLevel, ScopeID: id,
		}, false))
	}
	for _, m := range all {
		_, err := proto.Marshal(m)
		require.NoError(t, err)
		text := string(readable(t, m))
		require.NotContains(t, text, `\u001b`)
		require.NotContains(t, text, `\n`)
		require.NotContains(t, text, "\u202e")
		if _, is := m.(*v2.Grant); !is {
			require.Contains(t, text, strings.ReplaceAll(shown, `\`, `\\`))
		}
	}
	require.Equal(t, shown, site.GetDisplayName())
	require.Equal(t, shown, role.GetDescription())
	require.Equal(t, shown, account.GetProfile().GetFields()["account_name"].GetStringValue())
	require.Equal(t, shown+" at "+shown+" / "+shown, held.GetDisplayName())
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
