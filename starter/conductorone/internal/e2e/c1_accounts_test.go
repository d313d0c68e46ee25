package e2e

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// leadsDecideAccounts has carol approve each new account and each deletion.
const leadsDecideAccounts = `
groups:
  soc-leads: [carol@example.com]
rules:
  - name: accounts
    for: [createUser, createServiceUser, offboard]
    approvals: [{need: 1, from: [soc-leads]}]
`

// newAccount is the task that creates dan, or the service user "ci builds", with the role Viewer.
func (e *c1Env) newAccount(kind string) *v1.Task {
	e.t.Helper()
	profile := fields(e.t, map[string]any{
		"email": "dan@example.com", "first_name": "Dan", "last_name": "Lind", "name": "ci builds", "token_life": "90d",
		"role": e.world.Viewer.RoleID, "scope": e.world.Viewer.ScopeID, "level": "site",
	})
	return c1test.CreateAccount(kind, v2.AccountInfo_builder{Profile: profile}.Build(), noPassword())
}

// created is the connector's answer about a new account.
func (e *c1Env) created(task *v1.Task) *v2.CreateAccountResponse {
	e.t.Helper()
	got := e.do(task)
	require.True(e.t, got.Succeeded(), got.Message())
	out := &v2.CreateAccountResponse{}
	got.Response(e.t, out)
	return out
}

// principal is the principal with that id on the console; nil for none.
func (e *c1Env) principal(id string) *access.Principal {
	for _, p := range e.console.Truth().Principals {
		if p.ID == id {
			return &p
		}
	}
	return nil
}

// ConductorOne creates a user and a service user with a role, and deletes them. Each task again changes nothing.
func TestC1_CreateAndDeleteAccounts(t *testing.T) {
	t.Parallel()
	e := prepareC1Env(t, shared, accountsToo)
	e.extraEnv = append(e.extraEnv, "SERVICE_USER_TOKEN_DIR="+t.TempDir())
	e.startWorker()
	e.sync()
	e.connect()
	for _, kind := range []string{"user", "service_user"} {
		id := e.created(e.newAccount(kind)).GetSuccess().GetResource().GetId()
		require.Equal(t, kind, id.GetResourceType())
		made := e.principal(id.GetResource())
		require.NotNil(t, made, "%s is not on the console", id)
		require.Equal(t, []access.HeldRole{grantworld.Role(e.world.Viewer)}, made.Held)
		again := e.created(e.newAccount(kind)).GetAlreadyExists().GetResource().GetId()
		require.Equal(t, id.GetResource(), again.GetResource())

		for range 2 {
			got := e.do(c1test.Delete(id))
			require.True(t, got.Succeeded(), got.Message())
			require.Nil(t, e.principal(id.GetResource()))
		}
	}
	require.Equal(t, 1, e.posts())
}

// While a new account waits for approval, ConductorOne is told that people must act and what they do. The same task
// again finds the account. A deletion that is denied fails with who denied it, and deletes nobody.
func TestC1_AccountsWaitForApproval(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, leadsDecideAccounts)
	e.connect("BATON_WAIT=30s")
	waiting := e.created(e.newAccount("user"))
	id := e.pendingOf("provision/c1-", 1)[0]
	require.Contains(t, waiting.GetActionRequired().GetMessage(), id, "%s", waiting)
	require.Nil(t, e.userByEmail("dan@example.com"))
	e.decide("approve", id)
	require.Eventually(t, func() bool { return e.state(id) == wire.StateProvisioned }, limit, pollEvery)
	dan := e.userByEmail("dan@example.com")
	require.NotNil(t, dan)
	e.connector.Kill()

	e.connect()
	again := e.created(e.newAccount("user"))
	require.Equal(t, dan.ID, again.GetAlreadyExists().GetResource().GetId().GetResource(), "%s", again)
	task := e.c1.Queue(c1test.Delete(v2.ResourceId_builder{ResourceType: "user", Resource: dan.ID}.Build()))
	id = e.pendingOf("offboard/c1-", 1)[0]
	e.decide("deny", id, "--comment", "still on the team")
	got := e.end(task)
	require.Equal(t, codes.PermissionDenied, got.Code())
	e.requireSentence(got, id, "denied by carol@example.com", "still on the team")
	require.NotNil(t, e.principal(dan.ID))
}

// The token's own user is not deleted, nor is what is neither a user nor a service user.
func TestC1_DeletesNothingElse(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, accountsToo)
	e.connect()
	site := v2.ResourceId_builder{ResourceType: "site", Resource: e.requested.ScopeID}.Build()
	got := e.do(c1test.Delete(site))
	require.False(t, got.Succeeded())
	owner, err := e.console.AddUser(access.Principal{
		Email: "owner@example.com", Name: "Owner", Level: access.Tenant,
		Held: []access.HeldRole{{RoleID: e.world.RoleID("Admin")}},
	})
	require.NoError(t, err)
	_, token := e.console.TokenOwner()
	require.Equal(t, owner, token)
	own := v2.ResourceId_builder{ResourceType: "user", Resource: owner}.Build()
	got = e.do(c1test.Delete(own))
	e.requireSentence(got, "offboard/c1-", "was refused")
	require.NotNil(t, e.principal(own.GetResource()))
}
