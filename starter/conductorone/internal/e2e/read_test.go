package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pgtest"
)

// What the baton CLI reads is what is on the console: every resource with its name and parent, every role at a scope
// with the ids of both, every entitlement and every grant, and nothing else. Reading makes no request to the console.
func TestRead_EqualsTheConsole(t *testing.T) {
	t.Parallel()
	tenant, err := consoletest.Preset("tenant")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		options  consoletest.Options
		edit     func(*testing.T, *consoletest.Server)
		database func(*testing.T) string
	}{
		"a tenant of 1,555 sites": {options: tenant},
		"several accounts, on PostgreSQL": {
			options: consoletest.Options{
				Seed: 7, Accounts: 3, Sites: 40, Users: 300, ServiceUsers: 120, CustomRoles: 12,
			},
			database: func(t *testing.T) string { t.Helper(); return pgtest.URL(t) },
		},
		"tenant-level custom roles": {options: consoletest.Options{Seed: 9}, edit: holdCustomRolesAtTenant},
		"repeated names":            {options: consoletest.Options{Seed: 11, Accounts: 2, Sites: 4}, edit: repeatNames},
		"an empty tenant": {options: consoletest.Options{
			Accounts: -1, Sites: -1, Users: -1, ServiceUsers: -1, CustomRoles: -1,
		}},
		"a principal with 2,000 roles": {
			options: consoletest.Options{Seed: 13, Sites: 2000}, edit: holdRolesEverywhere,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, c.options)
			if c.edit != nil {
				c.edit(t, s.console)
			}
			if c.database != nil {
				s.database = c.database(t)
			}
			s.startWorker()
			s.sync()
			s.worker.Kill() // it looks at the console now and then, and is not needed to read
			s.console.ResetRequests()

			file := s.c1z()
			s.syncTo(file)
			require.Zero(t, s.console.RequestCount(), "%+v", s.console.Requests())
			requireShows(t, expect(s.console, false), s.show(file))
		})
	}
}

// holdCustomRolesAtTenant has principals of both kinds hold every custom role of the tenant at tenant level, where the
// console says neither the role's name nor a scope's id.
func holdCustomRolesAtTenant(t *testing.T, console *consoletest.Server) {
	t.Helper()
	n := 0
	for _, r := range console.Truth().Roles {
		if r.Predefined || r.Scope != access.Tenant {
			continue
		}
		n++
		held := []access.HeldRole{{RoleID: r.ID}}
		_, err := console.AddUser(access.Principal{
			Email: fmt.Sprintf("ana+%d@example.com", n), Name: "Ana", Level: access.Tenant, Held: held,
		})
		require.NoError(t, err)
		_, err = console.AddServiceUser(access.Principal{Name: "siem", Level: access.Tenant, Held: held})
		require.NoError(t, err)
	}
	require.Greater(t, n, 1)
}

// repeatNames gives people, programs, roles and sites the names of others, and one that is no id.
func repeatNames(t *testing.T, console *consoletest.Server) {
	t.Helper()
	truth := console.Truth()
	for i, p := range truth.Principals {
		if p.Kind == access.User {
			_, err := console.AddUser(access.Principal{Name: p.Name, Email: fmt.Sprintf("ana+%d@example.com", i)})
			require.NoError(t, err)
		} else {
			_, err := console.AddServiceUser(access.Principal{Name: p.Name, Description: p.Description})
			require.NoError(t, err)
		}
	}
	for _, r := range truth.Roles {
		_, err := console.AddRole(access.Role{Name: r.Name})
		require.NoError(t, err)
	}
	for _, s := range truth.Sites {
		_, err := console.AddSite(access.Site{Name: s.Name, AccountID: s.AccountID})
		require.NoError(t, err)
	}
	for _, name := range []string{"role:assigned", "a / b-tenant", "=1+1", "\u202edetnaT"} {
		_, err := console.AddSite(access.Site{Name: name})
		require.NoError(t, err)
		_, err = console.AddRole(access.Role{Name: name})
		require.NoError(t, err)
	}
}

// holdRolesEverywhere adds a user who holds a role at each of 2,000 sites.
func holdRolesEverywhere(t *testing.T, console *consoletest.Server) {
	t.Helper()
	truth := console.Truth()
	held := make([]access.HeldRole, len(truth.Sites))
	for i, s := range truth.Sites {
		held[i] = access.HeldRole{RoleID: truth.Roles[i%6].ID, ScopeID: s.ID}
	}
	require.Len(t, held, 2000)
	_, err := console.AddUser(access.Principal{
		Email: "ana+soc@example.com", Name: "Ana", Level: access.SiteLevel, Held: held,
	})
	require.NoError(t, err)
}

// With --standalone, the connector shows the same without a worker, Temporal and a database: nothing but the address
// and the token is set.
func TestRead_Standalone(t *testing.T) {
	t.Parallel()
	console := consoletest.Start(t, consoletest.Options{
		Seed: 19, Accounts: 3, Sites: 20, Users: 40, ServiceUsers: 20, CustomRoles: 8,
	})
	holdCustomRolesAtTenant(t, console)
	s := &stack{t: t, console: console}
	file := s.c1z()
	got := s.run(connectorProgram, nil, "--file", file, "--standalone",
		"--api-token", console.Token(), "--management-console-url", console.URL)
	require.Zero(t, got.code, "%s%s", got.stdout, got.stderr)
	require.NotContains(t, got.stdout+got.stderr, console.Token())
	requireShows(t, expect(console, false), s.show(file))
	for _, r := range console.Requests() {
		require.False(t, r.Write(), "%s %s", r.Method, r.Path)
	}
}

// Two syncs of an unchanged console are the same, and a change is seen. The engine must be the one that keeps two
// syncs in a file.
func TestRead_UnchangedConsoleHasNoDiff(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{
		Seed: 17, Accounts: 2, Sites: 20, Users: 60, ServiceUsers: 60, CustomRoles: 12,
	})
	s.startWorker()
	s.sync()
	file := s.c1z()
	args := []string{"--storage-engine", "sqlite", "--stock-compatible"}
	s.syncTo(file, args...)
	s.sync()
	s.syncTo(file, args...)
	require.JSONEq(t, `{"resources":{},"entitlements":{},"grants":{}}`, s.diff(file))

	gone := s.console.Truth().Principals[0]
	require.True(t, s.console.RemoveUser(gone.ID) || s.console.RemoveServiceUser(gone.ID))
	s.sync()
	// The id of a sync has the time to the second, so that one may still read what was proven before its second began.
	require.Eventually(t, func() bool {
		s.syncTo(file, args...)
		return strings.Contains(s.diff(file), gone.ID)
	}, limit, time.Millisecond)
}

func (s *stack) diff(file string) string {
	s.t.Helper()
	got := s.run(batonProgram, nil, "diff", "--file", file)
	require.Zero(s.t, got.code, "%s%s", got.stdout, got.stderr)
	return got.stdout
}
