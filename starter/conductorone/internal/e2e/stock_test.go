package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// smallConsole is the console on which the stock connector was run: one account, two sites, one custom role besides
// the predefined ones, and holders at each level.
func smallConsole(t *testing.T) *stack {
	t.Helper()
	s := newStack(t, consoletest.Options{Seed: 1, Sites: 2, Users: -1, ServiceUsers: -1, CustomRoles: -1})
	truth := s.console.Truth()
	account, first, second := truth.Accounts[0].ID, truth.Sites[0].ID, truth.Sites[1].ID
	named := map[string]string{"Auditor": "1500000000000000001"}
	for _, r := range truth.Roles {
		named[r.Name] = r.ID
	}
	_, err := s.console.AddRole(access.Role{ID: named["Auditor"], Name: "Auditor"})
	require.NoError(t, err)
	at := func(role, scope string) access.HeldRole { return access.HeldRole{RoleID: named[role], ScopeID: scope} }
	for _, p := range []access.Principal{
		{
			ID: "1500000000000000011", Email: "ana@example.com", Name: "Ana Roy", Level: access.SiteLevel,
			Held: []access.HeldRole{at("Viewer", first), at("SOC", second)},
		},
		{
			ID: "1500000000000000012", Email: "bob@example.com", Name: "Bob Stone", Level: access.AccountLevel,
			Held: []access.HeldRole{at("Admin", account)},
		},
		{
			ID: "1500000000000000013", Email: "carol@example.com", Name: "Carol Lind", Level: access.SiteLevel,
			Held: []access.HeldRole{at("Auditor", first)},
		},
		{
			ID: "1500000000000000014", Email: "soc-lead@example.com", Name: "SOC Lead", Level: access.Tenant,
			Held: []access.HeldRole{at("Admin", "")},
		},
	} {
		_, err := s.console.AddUser(p)
		require.NoError(t, err)
	}
	for _, p := range []access.Principal{
		{
			ID: "1500000000000000021", Name: "siem", Level: access.SiteLevel,
			Held: []access.HeldRole{at("Viewer", second)},
		},
		{
			ID: "1500000000000000022", Name: "backup", Level: access.AccountLevel,
			Held: []access.HeldRole{at("Auditor", account)},
		},
	} {
		_, err := s.console.AddServiceUser(p)
		require.NoError(t, err)
	}
	return s
}

// stockIDs are what baton-sentinel-one (commit 6ad3764) listed of the small console: it was run against the same
// simulator, and its .c1z read with the baton CLI.
var stockIDs = []string{
	// Resources.
	"account:1400000827583356589",
	"role:1400002013927251058",
	"role:1400002283350753796",
	"role:1400002797349373933",
	"role:1400002830538325092",
	"role:1400003057525733846",
	"role:1400003376181274323",
	"role:1500000000000000001",
	"service_user:1500000000000000021",
	"service_user:1500000000000000022",
	"site:1400000972108005196",
	"site:1400001778441966798",
	"user:1500000000000000011",
	"user:1500000000000000012",
	"user:1500000000000000013",
	"user:1500000000000000014",
	// Entitlements.
	"account:1400000827583356589:member",
	"site:1400000972108005196:member",
	"site:1400001778441966798:member",
	"role:1400002013927251058:account scope",
	"role:1400002013927251058:site scope",
	"role:1400002013927251058:tenant scope",
	"role:1400002283350753796:account scope",
	"role:1400002283350753796:site scope",
	"role:1400002283350753796:tenant scope",
	"role:1400002797349373933:account scope",
	"role:1400002797349373933:site scope",
	"role:1400002797349373933:tenant scope",
	"role:1400002830538325092:account scope",
	"role:1400002830538325092:site scope",
	"role:1400002830538325092:tenant scope",
	"role:1400003057525733846:account scope",
	"role:1400003057525733846:site scope",
	"role:1400003057525733846:tenant scope",
	"role:1400003376181274323:account scope",
	"role:1400003376181274323:site scope",
	"role:1400003376181274323:tenant scope",
	"role:1500000000000000001:account scope",
	"role:1500000000000000001:site scope",
	"role:1500000000000000001:tenant scope",
	// Grants.
	"account:1400000827583356589:member:service_user:1500000000000000022",
	"account:1400000827583356589:member:user:1500000000000000012",
	"role:1400002013927251058:account scope:user:1500000000000000012",
	"role:1400002013927251058:tenant scope:user:1500000000000000014",
	"role:1400002830538325092:site scope:user:1500000000000000011",
	"role:1400003376181274323:site scope:service_user:1500000000000000021",
	"role:1400003376181274323:site scope:user:1500000000000000011",
	"role:1500000000000000001:account scope:service_user:1500000000000000022",
	"role:1500000000000000001:site scope:user:1500000000000000013",
	"site:1400000972108005196:member:user:1500000000000000011",
	"site:1400000972108005196:member:user:1500000000000000013",
	"site:1400001778441966798:member:service_user:1500000000000000021",
	"site:1400001778441966798:member:user:1500000000000000011",
}

// wrongStockIDs are what it listed besides, and should not have.
var wrongStockIDs = []string{
	// An account and a site as roles: it takes the scope of a custom role for the role.
	"role:1400000827583356589",
	"role:1400000827583356589:account scope",
	"role:1400000827583356589:site scope",
	"role:1400000827583356589:tenant scope",
	"role:1400000972108005196",
	"role:1400000972108005196:account scope",
	"role:1400000972108005196:site scope",
	"role:1400000972108005196:tenant scope",
	// Sites as members of their account.
	"account:1400000827583356589:member:site:1400000972108005196",
	"account:1400000827583356589:member:site:1400001778441966798",
	// Holders of roles at sites alone as members of the account.
	"account:1400000827583356589:member:service_user:1500000000000000021",
	"account:1400000827583356589:member:user:1500000000000000011",
	"account:1400000827583356589:member:user:1500000000000000013",
}

// People who switch from the stock connector keep their history: all its ids are there, but those that were wrong.
func TestRead_KeepsStockIDs(t *testing.T) {
	t.Parallel()
	s := smallConsole(t)
	s.startWorker()
	s.sync()
	file := s.c1z()
	s.syncTo(file, "--stock-compatible")
	got := s.show(file)
	requireShows(t, expect(s.console, true), got)
	ids := set(append(append(keys(got.resources), keys(got.entitlements)...), keys(got.grants)...))
	for _, id := range stockIDs {
		require.True(t, ids[id], "%s is missing", id)
	}
	for _, id := range wrongStockIDs {
		require.False(t, ids[id], "%s is wrong", id)
	}

	// What the stock connector has and ConductorOne cannot provision is immutable.
	for id, e := range got.entitlements {
		if e.Slug != "assigned" {
			require.True(t, has(t, e.Annotations, "EntitlementImmutable"), id)
		}
	}
	for id, g := range got.grants {
		if g.Entitlement.Resource.ID.Type != "role_assignment" {
			require.True(t, has(t, g.Annotations, "GrantImmutable"), id)
		}
	}
}

// Without the flag, access is listed once.
func TestRead_ListsAccessOnceByDefault(t *testing.T) {
	t.Parallel()
	s := smallConsole(t)
	s.startWorker()
	s.sync()
	file := s.c1z()
	s.syncTo(file)
	got := s.show(file)
	requireShows(t, expect(s.console, false), got)
	for id := range got.entitlements {
		require.NotContains(t, id, "scope")
	}
	require.Equal(t, []string{"TRAIT_SCOPE_BINDING"}, got.types["role_assignment"].Traits)
}

func keys[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }

// has reports whether one of the annotations is of a type.
func has(t *testing.T, annotations []json.RawMessage, name string) bool {
	t.Helper()
	for _, raw := range annotations {
		var a struct {
			Type string `json:"@type"`
		}
		require.NoError(t, json.Unmarshal(raw, &a))
		if strings.HasSuffix(a.Type, "."+name) {
			return true
		}
	}
	return false
}
