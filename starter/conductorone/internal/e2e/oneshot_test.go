package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
)

// The one-shot flags do what they say, and the same again changes nothing: each ends with exit code 0.
func TestOneShot_GrantAndRevoke(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, revokesToo)
	file := e.c1z()
	e.syncTo(file)
	entitlement := "role_assignment:" + e.requested.RoleID + "-" + e.requested.ScopeID + ":assigned"
	grant := []string{
		"--grant-entitlement", entitlement, "--grant-principal", e.ana.ID, "--grant-principal-type", "user",
	}
	e.do1(file, grant...)
	require.True(t, e.holds(e.ana))
	require.Equal(t, 1, e.writes())
	e.do1(file, grant...)
	require.Equal(t, 1, e.writes())
	require.Equal(t, 1, e.requests())

	e.sync()
	e.syncUntil(file, func(got shown) bool {
		_, is := got.grants[entitlement+":user:"+e.ana.ID]
		return is
	})
	revoke := []string{"--revoke-grant", entitlement + ":user:" + e.ana.ID}
	e.do1(file, revoke...)
	require.False(t, e.holds(e.ana))
	require.True(t, e.world.HoldingsOf(access.User, e.ana.ID).Holds(e.world.Viewer), "and nothing else")
	require.Equal(t, 2, e.writes())
	e.do1(file, revoke...)
	require.Equal(t, 2, e.writes())
}

// do1 has the connector do the one thing that the flags name.
func (e *c1Env) do1(file string, args ...string) {
	e.t.Helper()
	got := e.oneShot(file, args...)
	require.Zero(e.t, got.code, "%v: %s%s", args, got.stdout, got.stderr)
}

// syncUntil syncs into a .c1z until it shows something: the id of a sync has the time to the second, so that one may
// still read what was proven before its second began.
func (s *stack) syncUntil(file string, shows func(shown) bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		s.syncTo(file)
		return shows(s.show(file))
	}, limit, pollEvery)
}

// A one-shot grant that is declined or waits ends with an exit code and the sentence.
func TestOneShot_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, approvalPolicy)
	file := e.c1z()
	e.syncTo(file)
	got := e.oneShot(file,
		"--grant-entitlement", "role_assignment:"+e.requested.RoleID+"-"+e.requested.ScopeID+":assigned",
		"--grant-principal", e.ana.ID, "--grant-principal-type", "user", "--wait", "40s")
	require.NotZero(t, got.code)
	id := e.pending(1)[0]
	text := got.stdout + got.stderr
	for _, part := range []string{connectorName, "waits", "starter approve " + id, "press Retry failed provisioning"} {
		require.Contains(t, text, part)
	}
	require.False(t, e.holds(e.ana))
}

// The one-shot flags create a user with a role and delete it, and the same again changes nothing.
func TestOneShot_CreateAndDeleteAccount(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, accountsToo)
	file := e.c1z()
	e.syncTo(file)
	profile, err := json.Marshal(map[string]string{
		"email": "lead1@example.com", "first_name": "Lead", "last_name": "One",
		"role": e.world.Viewer.RoleID, "scope": e.world.Viewer.ScopeID, "level": "site",
	})
	require.NoError(t, err)
	create := []string{
		"--create-account-email", "lead1@example.com", "--create-account-login", "lead1@example.com",
		"--create-account-resource-type", "user", "--create-account-profile", string(profile),
	}
	e.do1(file, create...)
	made := e.userByEmail("lead1@example.com")
	require.NotNil(t, made)
	require.Equal(t, "Lead One", made.Name)
	require.Equal(t, []access.HeldRole{grantworld.Role(e.world.Viewer)}, made.Held)
	e.do1(file, create...)
	require.Equal(t, 1, e.posts())

	remove := []string{"--delete-resource", made.ID, "--delete-resource-type", "user"}
	e.do1(file, remove...)
	require.Nil(t, e.userByEmail("lead1@example.com"))
	e.do1(file, remove...)
}

// accountsToo is a policy that asks nobody, for accounts either.
const accountsToo = revokesToo +
	"  - {name: accounts, for: [createUser, createServiceUser, offboard], autoApprove: true}\n"

func (e *c1Env) userByEmail(email string) *access.Principal {
	for _, p := range e.console.Truth().Principals {
		if p.Email == email {
			return &p
		}
	}
	return nil
}

// posts counts the requests that created a user.
func (e *c1Env) posts() (n int) {
	for _, r := range e.console.Requests() {
		if r.Method == http.MethodPost && r.Path == "/users" {
			n++
		}
	}
	return n
}
