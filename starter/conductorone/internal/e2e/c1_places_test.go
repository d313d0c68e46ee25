package e2e

import (
	"fmt"
	"slices"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// leadsDecideNewAccounts has carol approve each new account, and asks nobody for anything else.
const leadsDecideNewAccounts = revokesToo + `
  - {name: leavers, for: [offboard], autoApprove: true}
  - name: accounts
    for: [createUser]
    approvals: [{need: 1, from: [soc-leads]}]
groups:
  soc-leads: [carol@example.com]
`

// Ten new accounts that wait for approval hold up neither a sync, a deletion, a grant nor a revoke. Those without a
// place to wait answer at once what people do.
func TestC1_WaitingAccountsHoldUpNothing(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, leadsDecideNewAccounts)
	e.connect()
	seen := e.synced()
	const many = 10
	var waiting []*c1test.Task
	for i := range many {
		waiting = append(waiting, e.c1.Queue(c1test.CreateAccount("user", v2.AccountInfo_builder{
			Profile: fields(t, map[string]any{
				"email": fmt.Sprintf("new%d@example.com", i), "first_name": "New", "last_name": fmt.Sprint(i),
				"role": e.world.Viewer.RoleID, "scope": e.world.Viewer.ScopeID, "level": "site",
			}),
		}.Build(), noPassword())))
	}
	ids := e.pendingOf("provision/c1-", many)

	require.NotEmpty(t, e.synced().Grants)
	gone := e.world.AddUser("gone@example.com")
	for _, got := range []c1test.Result{
		e.do(c1test.Delete(v2.ResourceId_builder{ResourceType: "user", Resource: gone.ID}.Build())),
		e.do(e.grant(seen, e.ana)), e.do(e.revoke(seen)),
	} {
		require.True(t, got.Succeeded(), got.Message())
	}
	require.Nil(t, e.principal(gone.ID))
	require.True(t, e.holds(e.ana))
	require.False(t, e.holds(e.bob))

	require.ElementsMatch(t, ids, e.pendingOf("provision/c1-", many))
	var ended []*c1test.Task
	require.Eventually(t, func() bool {
		ended = slices.DeleteFunc(slices.Clone(waiting), func(task *c1test.Task) bool { return !task.Finished() })
		return len(ended) >= 2
	}, limit, pollEvery, "tasks without a place to wait have not finished")
	require.Len(t, ended, 2, "tasks without a place to wait: eight of the connector's ten may wait")
	for _, task := range ended {
		var told v2.CreateAccountResponse
		e.end(task).Response(t, &told)
		require.Contains(t, told.GetActionRequired().GetMessage(), "starter approve provision/c1-")
	}
	for _, id := range ids {
		require.Equal(t, wire.StateAwaitingApproval, e.state(id))
	}
}
