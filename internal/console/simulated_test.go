package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
)

// simulated returns a client of a simulated console, without rate budgets.
func simulated(t *testing.T, o consoletest.Options) (*console.Client, *consoletest.Server) {
	t.Helper()
	s := consoletest.Start(t, o)
	c, err := console.New(console.Config{
		BaseURL: s.URL, Token: console.StaticToken(s.Token()), Budgets: []console.Budget{},
	})
	require.NoError(t, err)
	return c, s
}

func truthOf(t *testing.T, s *consoletest.Server, id string) access.Principal {
	t.Helper()
	for _, p := range s.Truth().Principals {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("no principal %s", id)
	return access.Principal{}
}

func statusOf(t *testing.T, err error) int {
	t.Helper()
	var e *console.Error
	require.ErrorAs(t, err, &e)
	return e.Status
}

// The list shows of a principal what a request for it alone shows, so that plans may use either.
func TestSimulated_ListEqualsSingle(t *testing.T) {
	t.Parallel()
	c, s := simulated(t, consoletest.Options{
		Seed: 4, Accounts: 2, Sites: 12, Users: 40, ServiceUsers: 20, CustomRoles: 12,
	})
	byKind := map[access.Kind][]string{}
	for _, p := range s.Truth().Principals {
		byKind[p.Kind] = append(byKind[p.Kind], p.ID)
	}
	require.Len(t, byKind, 2)
	for kind, ids := range byKind {
		found, err := c.PrincipalsByID(t.Context(), kind, append(ids, "999999999999999999"))
		require.NoError(t, err)
		require.Len(t, found, len(ids))
		for _, p := range found {
			single, err := c.Principal(t.Context(), kind, p.ID)
			require.NoError(t, err)
			require.Equal(t, single, p)
		}
	}
}

// What the client reads of a principal it can write back, and nothing changes.
func TestSimulated_EachPrincipalCanBeWrittenBack(t *testing.T) {
	t.Parallel()
	for _, drop := range []bool{false, true} {
		c, s := simulated(t, consoletest.Options{
			Seed: 4, Accounts: 2, Sites: 12, Users: 40, ServiceUsers: 20, CustomRoles: 12, DropAbsentFields: drop,
		})
		truth := s.Truth()
		for _, want := range truth.Principals {
			p, err := c.Principal(t.Context(), want.Kind, want.ID)
			require.NoError(t, err)
			after, err := c.SetRoles(t.Context(), p, p.Holdings())
			require.NoError(t, err)
			require.Equal(t, p, after)
		}
		require.Equal(t, truth.Principals, s.Truth().Principals)
		require.Len(t, s.Changes(), len(truth.Principals))
	}
}

func TestSimulated_LifeOfAUser(t *testing.T) {
	t.Parallel()
	c, s := simulated(t, consoletest.Options{})
	truth := s.Truth()
	none, err := c.UsersByEmail(t.Context(), "new@example.com")
	require.NoError(t, err)
	require.Empty(t, none)
	in := console.NewUser{Email: "New@example.com", FullName: "New One", Roles: access.Holdings{
		Level: access.Tenant, Held: []access.HeldRole{{RoleID: truth.Roles[0].ID}},
	}}
	p, err := c.CreateUser(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, truthOf(t, s, p.ID), p)
	_, err = c.CreateUser(t.Context(), in)
	require.Equal(t, http.StatusConflict, statusOf(t, err))
	require.NotContains(t, err.Error(), "@")
	found, err := c.UsersByEmail(t.Context(), "new@EXAMPLE.com")
	require.NoError(t, err)
	require.Equal(t, []access.Principal{p}, found)
	found, err = c.UsersByName(t.Context(), "New One")
	require.NoError(t, err)
	require.Equal(t, []access.Principal{p}, found)
	found, err = c.SearchUsers(t.Context(), "new")
	require.NoError(t, err)
	require.Equal(t, []access.Principal{p}, found)

	want := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{
		{RoleID: truth.Roles[1].ID, ScopeID: truth.Sites[0].ID},
		{RoleID: truth.Roles[2].ID, ScopeID: truth.Sites[1].ID},
	}}
	p, err = c.SetRoles(t.Context(), p, want)
	require.NoError(t, err)
	require.True(t, want.Equal(p.Holdings()))
	require.Equal(t, truthOf(t, s, p.ID), p)
	require.NoError(t, c.DeleteUser(t.Context(), p.ID))
	require.Equal(t, http.StatusNotFound, statusOf(t, c.DeleteUser(t.Context(), p.ID)))
	_, err = c.User(t.Context(), p.ID)
	require.Equal(t, http.StatusNotFound, statusOf(t, err))
	require.Equal(t, truth, s.Truth())
	require.Equal(t, 1, s.MaxConcurrentWrites(access.User, p.ID))
}

func TestSimulated_LifeOfAServiceUser(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		c, s := simulated(t, consoletest.Options{
			SecretMark: "CANARY", NoTokenGeneration: old, NoServiceUserByID: old, DropAbsentFields: old,
		})
		truth := s.Truth()
		at := func(role, site int) access.Holdings {
			return access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{
				{RoleID: truth.Roles[role].ID, ScopeID: truth.Sites[site].ID},
			}}
		}
		expires := time.Date(2028, 1, 2, 3, 4, 5, 0, time.UTC)
		p, token, err := c.CreateServiceUser(t.Context(), console.NewServiceUser{
			Name: "svc.new", Description: "for tests", Roles: at(0, 0), TokenExpiresAt: expires,
		})
		require.NoError(t, err)
		require.Equal(t, s.ServiceUserToken(p.ID), token.Reveal())
		require.True(t, strings.HasPrefix(token.Reveal(), "CANARY"))
		require.Equal(t, expires, *p.TokenExpiresAt)
		found, err := c.ServiceUsersByName(t.Context(), "svc.new")
		require.NoError(t, err)
		require.Equal(t, []access.Principal{p}, found)
		none, err := c.ServiceUsersByName(t.Context(), "svc.ne")
		require.NoError(t, err)
		require.Empty(t, none)

		p, err = c.SetRoles(t.Context(), p, at(1, 1))
		require.NoError(t, err)
		require.Equal(t, "for tests", truthOf(t, s, p.ID).Description)
		fresh, err := c.GenerateServiceUserToken(t.Context(), p.ID, expires.AddDate(1, 0, 0))
		if old {
			require.True(t, console.MayLackCall(err))
		} else {
			require.NoError(t, err)
			require.NotEqual(t, token.Reveal(), fresh.Reveal())
			require.Equal(t, s.ServiceUserToken(p.ID), fresh.Reveal())
		}
		require.NoError(t, c.DeleteServiceUser(t.Context(), p.ID))
		require.Equal(t, http.StatusNotFound, statusOf(t, c.DeleteServiceUser(t.Context(), p.ID)))
		require.Equal(t, truth, s.Truth())
	}
}

func TestSimulated_Lookups(t *testing.T) {
	t.Parallel()
	c, s := simulated(t, consoletest.Options{Accounts: 3, Sites: 30, CustomRoles: 12})
	truth := s.Truth()
	accounts, err := c.AllAccounts(t.Context())
	require.NoError(t, err)
	require.Equal(t, truth.Accounts, accounts)
	roles, err := c.AllRoles(t.Context())
	require.NoError(t, err)
	require.Equal(t, truth.Roles, roles)
	sites, err := c.SitesByName(t.Context(), truth.Sites[0].Name)
	require.NoError(t, err)
	require.Len(t, sites, 3, "one of that name in each account")
	site, err := c.SiteByID(t.Context(), sites[1].ID)
	require.NoError(t, err)
	require.Equal(t, sites[1], site)
	account, err := c.AccountByID(t.Context(), site.AccountID)
	require.NoError(t, err)
	require.Equal(t, site.AccountName, account.Name)
	_, err = c.AccountByID(t.Context(), site.ID)
	require.Equal(t, http.StatusNotFound, statusOf(t, err))
	found, err := c.SearchSites(t.Context(), strings.ToLower(truth.Sites[0].Name[:3]))
	require.NoError(t, err)
	require.NotEmpty(t, found)

	s.AddFault(consoletest.Fault{Name: consoletest.Vanish, Path: "/rbac"})
	_, err = c.AllRoles(t.Context())
	require.ErrorContains(t, err, "it counts 18 rows but returned 17")
}

func TestSimulated_Self(t *testing.T) {
	t.Parallel()
	c, s := simulated(t, consoletest.Options{})
	self, err := c.Self(t.Context())
	require.NoError(t, err)
	kind, id := s.TokenOwner()
	require.Equal(t, kind, self.Kind)
	require.Equal(t, id, self.ID)
	require.Equal(t, http.StatusForbidden, statusOf(t, c.DeleteUser(t.Context(), id)))
	c, _ = simulated(t, consoletest.Options{OwnerIsServiceUser: true})
	_, err = c.Self(t.Context())
	require.Equal(t, http.StatusForbidden, statusOf(t, err))
}

// After a write that failed, only a read shows whether the console applied it.
func TestSimulated_FailedWrites(t *testing.T) {
	t.Parallel()
	for kind, done := range map[consoletest.FaultKind]bool{
		consoletest.ErrorAfter: true, consoletest.CutAfter: true, consoletest.Truncated: true,
		consoletest.CutBefore: false, consoletest.ServerError: false, consoletest.BadGateway: false,
		consoletest.EmptyObject: false,
	} {
		c, s := simulated(t, consoletest.Options{})
		truth := s.Truth()
		p := truth.Principals[0]
		want := access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: truth.Roles[0].ID}}}
		s.AddFault(consoletest.Fault{Name: kind, Method: http.MethodPut})
		_, err := c.SetRoles(t.Context(), p, want)
		var e *console.Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.Temporary(), kind)
		got, err := c.Principal(t.Context(), p.Kind, p.ID)
		require.NoError(t, err)
		require.Equal(t, done, got.Holdings().Equal(want), kind)
	}
}
