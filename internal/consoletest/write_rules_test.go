package consoletest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// A custom role exists at its own scope and below; a group's role at no scope of principals.
func TestWrites_RolesExistAtTheirScopeAndBelow(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Accounts: 2, Sites: 4, CustomRoles: -1})
	truth := s.Truth()
	a, b := truth.Accounts[0].ID, truth.Accounts[1].ID
	var ofA, ofB []string
	for _, site := range truth.Sites {
		if site.AccountID == a {
			ofA = append(ofA, site.ID)
		} else {
			ofB = append(ofB, site.ID)
		}
	}
	add := func(level access.Level, scope string) string {
		id, err := s.AddRole(access.Role{Name: "Custom", Scope: level, ScopeID: scope})
		require.NoError(t, err)
		return id
	}
	tenant, ofAccount, ofSite := add(access.Tenant, ""), add(access.AccountLevel, a), add(access.SiteLevel, ofA[0])
	group := add(access.GroupLevel, ofA[0])
	user := principals(truth, access.User)[0].ID
	for _, c := range []struct {
		role  string
		level string
		scope string
		good  bool
	}{
		{truth.Roles[0].ID, "tenant", "", true},
		{truth.Roles[0].ID, "site", ofB[0], true},
		{tenant, "tenant", "", true},
		{tenant, "account", b, true},
		{tenant, "site", ofB[0], true},
		{ofAccount, "tenant", "", false},
		{ofAccount, "account", a, true},
		{ofAccount, "account", b, false},
		{ofAccount, "site", ofA[1], true},
		{ofAccount, "site", ofB[0], false},
		{ofSite, "site", ofA[0], true},
		{ofSite, "site", ofA[1], false},
		{ofSite, "account", a, false},
		{ofSite, "tenant", "", false},
		{group, "site", ofA[0], false},
		{group, "tenant", "", false},
	} {
		entry := map[string]any{"roleId": c.role}
		if c.scope != "" {
			entry["id"] = c.scope
		}
		before := find(t, s, user)
		r := ask(t, s, http.MethodPut, "/users/"+user, roles(c.level, entry))
		if c.good {
			require.Equal(t, http.StatusOK, r.status, "%+v: %s", c, r.body)
			continue
		}
		require.Equal(t, http.StatusBadRequest, r.status, "%+v", c)
		require.Equal(t, "data: scopeRoles: 0: roleId: No such role in this scope.", r.detail(t))
		require.Equal(t, before, find(t, s, user))
	}
}

// System users and users managed elsewhere reject writes if the options say so.
func TestWrites_ToProtectedUsers(t *testing.T) {
	t.Parallel()
	for _, protect := range []bool{false, true} {
		s := consoletest.Start(t, consoletest.Options{ProtectReadOnly: protect})
		truth := s.Truth()
		body := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
		for _, p := range []access.Principal{
			{Email: "system@example.com", IsSystem: true},
			{Email: "sso@example.com", RolesReadOnly: true},
			{Email: "plain@example.com"},
		} {
			id, err := s.AddUser(p)
			require.NoError(t, err)
			want := http.StatusOK
			if protect && (p.IsSystem || p.RolesReadOnly) {
				want = http.StatusForbidden
			}
			require.Equal(t, want, ask(t, s, http.MethodPut, "/users/"+id, body).status, p.Email)
			require.Equal(t, want, ask(t, s, http.MethodDelete, "/users/"+id, nil).status, p.Email)
		}
	}
}

// Whether an absent description is kept is not documented: the options choose.
func TestWrites_DescriptionOfAServiceUser(t *testing.T) {
	t.Parallel()
	for _, drop := range []bool{false, true} {
		s := consoletest.Start(t, consoletest.Options{DropAbsentFields: drop})
		truth := s.Truth()
		before := principals(truth, access.ServiceUser)[0]
		require.NotEmpty(t, before.Description)
		put := func(description ...any) string {
			body := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
			if len(description) > 0 {
				body["data"].(map[string]any)["description"] = description[0]
			}
			require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/service-users/"+before.ID, body).status)
			return find(t, s, before.ID).Description
		}
		want := before.Description
		if drop {
			want = ""
		}
		require.Equal(t, want, put())
		require.Equal(t, "new", put("new"))
		require.Empty(t, put(nil))
	}
}

func TestChanges_HaveOrderAndSource(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	user, service := principals(truth, access.User)[0], principals(truth, access.ServiceUser)[0]
	site, admin, viewer := truth.Sites[0].ID, truth.Roles[0].ID, truth.Roles[5].ID
	adminAt := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: admin, ScopeID: site}}}
	viewerAt := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: viewer, ScopeID: site}}}
	none := access.Holdings{}.Normal()

	body := roles("site", map[string]any{"id": site, "roleId": admin})
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+user.ID, body).status)
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+user.ID, body).status, "the same once more")
	require.NoError(t, s.GiveRole(access.User, user.ID, access.SiteLevel, viewerAt.Held[0]))
	require.NoError(t, s.GiveRole(access.User, user.ID, access.SiteLevel, viewerAt.Held[0]), "no change")
	require.Equal(t, http.StatusBadRequest, ask(t, s, http.MethodPut, "/users/"+user.ID, roles("site")).status)
	require.NoError(t, s.TakeRole(access.User, user.ID, access.SiteLevel, viewerAt.Held[0]))
	id := made(t, ask(t, s, http.MethodPost, "/users", newUser(truth, nil)))["id"].(string)
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodDelete, "/users/"+id, nil).status)
	require.True(t, s.RemoveServiceUser(service.ID))
	added, err := s.AddServiceUser(access.Principal{Level: access.SiteLevel, Held: viewerAt.Held})
	require.NoError(t, err)

	got := s.Changes()
	for i := range got {
		require.False(t, got[i].At.IsZero())
		require.False(t, i > 0 && got[i].At.Before(got[i-1].At))
		got[i].At = got[0].At
	}
	at := got[0].At
	empty := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{}}
	require.Equal(t, []consoletest.Change{
		{At: at, By: consoletest.ByAPI, Kind: access.User, ID: user.ID, Before: user.Holdings(), After: adminAt},
		{At: at, By: consoletest.ByAPI, Kind: access.User, ID: user.ID, Before: adminAt, After: adminAt},
		{At: at, By: consoletest.ByHand, Kind: access.User, ID: user.ID, Before: adminAt, After: viewerAt},
		{At: at, By: consoletest.ByHand, Kind: access.User, ID: user.ID, Before: viewerAt, After: empty},
		{At: at, By: consoletest.ByAPI, Kind: access.User, ID: id, Before: none, After: adminAt, Created: true},
		{At: at, By: consoletest.ByAPI, Kind: access.User, ID: id, Before: adminAt, After: none, Deleted: true},
		{
			At: at, By: consoletest.ByHand, Kind: access.ServiceUser, ID: service.ID, Before: service.Holdings(),
			After: none, Deleted: true,
		},
		{
			At: at, By: consoletest.ByHand, Kind: access.ServiceUser, ID: added, Before: none, After: viewerAt,
			Created: true,
		},
	}, got)
}

// Edits of roles and sites are logged as changes of their holders.
func TestChanges_OfRolesAndSites(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	role := principals(truth, access.User)[0].Held[0].RoleID
	other := truth.Roles[0].ID
	if role == other {
		other = truth.Roles[1].ID
	}
	holders := 0
	for _, p := range truth.Principals {
		for _, h := range p.Held {
			if h.RoleID == role {
				holders++
				break
			}
		}
	}
	require.NoError(t, s.RemoveRole(role, other))
	require.Len(t, s.Changes(), holders)
	require.True(t, s.RemoveSite(truth.Sites[0].ID))
	require.Greater(t, len(s.Changes()), holders)
	before := len(s.Changes())
	require.Len(t, s.RemoveUsers(3), 3)
	require.Len(t, s.Changes(), before+3)
}

func TestGiveAndTakeRole_RejectInvalidEdits(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	id, err := s.AddUser(access.Principal{Email: "x@example.com"})
	require.NoError(t, err)
	require.NoError(t, s.SetUserRoles(id, access.SiteLevel, []access.HeldRole{
		{RoleID: truth.Roles[0].ID, ScopeID: truth.Sites[0].ID},
		{RoleID: truth.Roles[1].ID, ScopeID: truth.Sites[1].ID},
	}))
	before := find(t, s, id)
	account := access.HeldRole{RoleID: truth.Roles[0].ID, ScopeID: truth.Accounts[0].ID}
	require.ErrorContains(t, s.GiveRole(access.User, id, access.AccountLevel, account), "holds roles at site")
	require.ErrorContains(t, s.GiveRole(access.ServiceUser, id, access.AccountLevel, account), "no serviceUser")
	require.ErrorContains(t, s.TakeRole(access.User, id, access.AccountLevel, account), "does not hold it")
	require.ErrorContains(t, s.TakeRole(access.User, id, access.SiteLevel, access.HeldRole{
		RoleID: truth.Roles[1].ID, ScopeID: truth.Sites[0].ID,
	}), "does not hold it")
	require.Equal(t, before, find(t, s, id))
	// Of two entries one is edited.
	require.NoError(t, s.TakeRole(access.User, id, access.SiteLevel, before.Held[0]))
	require.Equal(t, before.Held[1:], find(t, s, id).Held)
	require.NoError(t, s.TakeRole(access.User, id, access.SiteLevel, before.Held[1]))
	require.NoError(t, s.GiveRole(access.User, id, access.AccountLevel, account), "without roles any level is possible")
	require.Equal(t, access.AccountLevel, find(t, s, id).Level)
}
