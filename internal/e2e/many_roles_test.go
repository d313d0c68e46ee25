package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// manyRoles is how many roles a person holds in these tests, each at a site of its own.
const manyRoles = 6000

// newManyRolesEnv has a user who holds one role at each of 6,000 sites. Each list of them is some 400 KB of JSON: four
// in one payload are more than Temporal takes.
func newManyRolesEnv(t *testing.T) *grantEnv {
	t.Helper()
	o := grantworld.Options()
	o.Sites = manyRoles + 6
	r := prepareGrantEnv(t, newStack(t, o))
	var held []access.Holding
	role := r.world.RoleID("Viewer")
	for _, site := range r.console.Truth().Sites[6:] {
		held = append(held, access.Holding{Level: access.SiteLevel, RoleID: role, ScopeID: site.ID})
	}
	r = r.withUser("many@example.com", held...)
	r.startWorker()
	return r
}

// requireSmall says that a history has only small payloads, whatever the person holds.
func (r *grantEnv) requireSmall(id string) {
	r.t.Helper()
	all := history(r.stack, id)
	require.Less(r.t, proto.Size(all), 200<<10, "%s: the history, in bytes", id)
	for _, e := range all.GetEvents() {
		require.Less(r.t, proto.Size(e), 24<<10, "%s: %s", id, e.GetEventType())
	}
}

// Row 2 of issue 11: a user with 6,000 roles is granted one more for a time, and loses it. The receipt has no list, and
// verifies offline.
func TestManyRoles_TimeBoundGrant(t *testing.T) {
	t.Parallel()
	s := newManyRolesEnv(t)
	before := s.holdings()
	require.Len(t, before.Held, manyRoles+1)
	run := s.startGrant("1", s.input("45s"))
	s.untilStatus(run, isActive)
	require.True(t, s.holdings().Holds(s.requested))
	s.requireSmall(wire.PrincipalID(s.consoleKey(), s.user.Kind, s.user.ID))
	got := s.result(run)
	require.Equal(t, wire.StateExpired, got.State, got.Message)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, before, s.holdings(), "all others stay")
	s.requireSmall(run.GetID())
	require.Less(t, len(toJSON(t, got)), 24<<10)
	said := s.verifyReceipt(*got.Receipt, "--policy", s.policyFile)
	require.Zero(t, said.code, said.stdout+said.stderr)
	s.requireLedger()

	brief, full := s.starter("show", run.GetID()), s.starter("show", run.GetID(), "--full")
	require.Zero(t, brief.code+full.code, brief.stderr+full.stderr)
	require.Contains(t, brief.stdout, "6001 roles at site level")
	require.NotContains(t, brief.stdout, before.Held[manyRoles].ScopeID)
	require.Contains(t, full.stdout, before.Held[manyRoles].ScopeID)
	var whole access.Receipt
	require.NoError(t, json.Unmarshal([]byte(s.starter("show", run.GetID(), "--full", "-o", "json").stdout), &whole))
	require.Len(t, whole.Proofs[1].Before.Held, manyRoles+2)
	said = s.verifyReceipt(whole, "--policy", s.policyFile)
	require.Zero(t, said.code, said.stdout+said.stderr)
	last := &whole.Proofs[1].Reads[1].Holdings
	last.Held = last.Held[1:]
	require.Equal(t, 1, s.verifyReceipt(whole, "--policy", s.policyFile).code, "a list is in the hash by its digest")
}

// A change of the level takes all 6,000 roles away, and its end gives them back: the plan names them by number and
// digest.
func TestManyRoles_LevelChange(t *testing.T) {
	t.Parallel()
	s := newManyRolesEnv(t)
	before := s.holdings()
	up := access.Holding{
		Level: access.AccountLevel, RoleID: s.requested.RoleID, ScopeID: s.console.Truth().Accounts[0].ID,
	}
	in := s.inputFor(s.user, up, "45s")
	in.AllowLevelChange = true
	run := s.startGrant("1", in)
	got := s.untilStatus(run, isActive)
	require.Equal(t, manyRoles+1, got.Plan.Effect.LosesMany.Len())
	require.Equal(t, []access.HeldRole{grantworld.Role(up)}, s.holdings().Held)
	end := s.result(run)
	require.Equal(t, wire.StateExpired, end.State, end.Message)
	require.Equal(t, before, s.holdings())
	s.requireSmall(run.GetID())
	said := s.verifyReceipt(*end.Receipt, "--policy", s.policyFile)
	require.Zero(t, said.code, said.stdout+said.stderr)
}

// A release while the console is down goes on for as long as that lasts, whatever the person holds.
func TestManyRoles_ReleaseWhileTheConsoleIsDown(t *testing.T) {
	t.Parallel()
	s := newManyRolesEnv(t)
	down := s.console.AddFault(consoletest.Fault{
		Name: consoletest.ServerError, Method: http.MethodPut, Path: "/users", After: 1, // it may be given
	})
	run := s.startGrant("1", s.input("2s"))
	s.untilStatus(run, func(got wire.RequestStatus) bool {
		return got.State == wire.StateReleasing && strings.Contains(got.Waiting, "attempt")
	})
	require.True(t, s.console.RemoveFault(down))
	got := s.result(run)
	require.Equal(t, wire.StateExpired, got.State, got.Message)
	require.False(t, s.holdings().Holds(s.requested))
	s.requireSmall(run.GetID())
	require.WithinDuration(t, time.Now(), got.Receipt.FinishedAt, time.Hour)
}

// The database has lost the long lists that the ledger names. What must end ends all the same, and nothing else goes.
func TestManyRoles_ListsAreLost(t *testing.T) {
	t.Parallel()
	s := newManyRolesEnv(t)
	before := s.holdings()
	run := s.startGrant("1", s.input("45s")) // it is active for long enough to be seen, also on a machine under load
	s.untilStatus(run, isActive)
	s.execute("DROP TRIGGER role_lists_no_delete; DELETE FROM role_lists")
	got := s.result(run)
	require.Equal(t, wire.StateExpired, got.State, got.Message)
	require.Equal(t, before, s.holdings())
	s.requireLedger()
}
