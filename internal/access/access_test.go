package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestParseCollections(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		names []string
		want  []access.Collection
	}{
		"none is all":     {nil, access.Collections()},
		"empty is all":    {[]string{}, access.Collections()},
		"customary order": {[]string{"users", "accounts"}, []access.Collection{access.Accounts, access.Users}},
		"no repeats":      {[]string{"roles", "roles"}, []access.Collection{access.Roles}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := access.ParseCollections(c.names)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// Every unknown name is told at once, with what there is; case matters.
func TestParseCollections_Unknown(t *testing.T) {
	t.Parallel()
	_, err := access.ParseCollections([]string{"users", "groups", "Sites", ""})
	require.EqualError(t, err, `unknown collection "groups", "Sites", "": `+
		"choose from accounts, sites, roles, users, serviceUsers")
}

func TestCollection_PrincipalKind(t *testing.T) {
	t.Parallel()
	for _, c := range access.Collections() {
		kind := c.PrincipalKind()
		require.Equal(t, c == access.Users || c == access.ServiceUsers, kind != "", c)
		if kind != "" {
			require.Equal(t, c, access.Principal{Kind: kind}.In())
		}
	}
}

// One assignment per role and scope; a principal without roles has none.
func TestPrincipal_Assignments(t *testing.T) {
	t.Parallel()
	p := access.Principal{Kind: access.ServiceUser, ID: "7", Level: access.SiteLevel, Held: []access.HeldRole{
		{RoleID: "r1", ScopeID: "s1"}, {RoleID: "r1", ScopeID: "s2"},
	}}
	require.Equal(t, []access.Assignment{
		{PrincipalKind: "serviceUser", PrincipalID: "7", RoleID: "r1", Level: "site", ScopeID: "s1"},
		{PrincipalKind: "serviceUser", PrincipalID: "7", RoleID: "r1", Level: "site", ScopeID: "s2"},
	}, p.Assignments())
	require.Empty(t, access.Principal{Kind: access.User, ID: "8", Level: access.Tenant}.Assignments())
}

// Two lists that mean the same become the same.
func TestNormalizeHeld(t *testing.T) {
	t.Parallel()
	want := []access.HeldRole{
		{RoleID: "a"}, {RoleID: "a", ScopeID: "1"}, {RoleID: "b", ScopeID: "1"}, {RoleID: "a", ScopeID: "2"},
	}
	require.Equal(t, want, access.NormalizeHeld([]access.HeldRole{
		{RoleID: "a", ScopeID: "2"},
		{RoleID: "b", ScopeID: "1"},
		{RoleID: "a"},
		{RoleID: "b", ScopeID: "1"},
		{RoleID: "a", ScopeID: "1"},
		{RoleID: "a"},
	}))
	require.Empty(t, access.NormalizeHeld(nil))
}

func TestParseLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.Level{
		"Site": access.SiteLevel, " ACCOUNT ": access.AccountLevel, "tenant": access.Tenant, "Group": access.GroupLevel,
		"Galaxy": "galaxy", "": "",
	} {
		require.Equal(t, want, access.ParseLevel(text), text)
	}
}

// Every entity says where it belongs and by what it is known.
func TestEntities(t *testing.T) {
	t.Parallel()
	for c, e := range map[access.Collection]access.Entity{
		access.Accounts:     access.Account{ID: "1"},
		access.Sites:        access.Site{ID: "1"},
		access.Roles:        access.Role{ID: "1"},
		access.Users:        access.Principal{Kind: access.User, ID: "1"},
		access.ServiceUsers: access.Principal{Kind: access.ServiceUser, ID: "1"},
	} {
		require.Equal(t, c, e.In())
		require.Equal(t, "1", e.Key())
	}
}
