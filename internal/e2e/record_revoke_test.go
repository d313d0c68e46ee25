//go:build record

package e2e

import (
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

var revokeScenarios = map[string]func(*stack) string{
	"revoked":                  recordGrant(recordRevoked),
	"already_absent":           recordGrant(recordAlreadyAbsent),
	"planned":                  recordGrant(recordRevokeDryRun),
	"refused_last_role":        recordGrant(recordLastRole),
	"refused_at_apply":         recordGrant(recordLastRoleAtApply),
	"waited_out":               recordGrant(recordRevokeWaitedOut),
	"failed_unknown_role":      recordGrant(recordUnknownRole),
	"cancelled_while_planning": recordGrant(recordRevokeCancelled),
}

func recordRevoked(r *grantEnv) client.WorkflowRun {
	r.setRolesByHand(r.viewer, r.requested)
	return r.requireEnd(r.startRevoke("", r.requested), "revoked", access.Removed)
}

func recordAlreadyAbsent(r *grantEnv) client.WorkflowRun {
	return r.requireEnd(r.startRevoke("", r.requested), "revoked", access.AlreadyAbsent)
}

func recordRevokeDryRun(r *grantEnv) client.WorkflowRun {
	in := r.input("")
	return r.requireEnd(r.start(wire.RevokeID(r.t.Name()), wire.RevokeType, wire.RevokeInput{
		Principal: in.Principal, Role: in.Role, Scope: in.Scope, Requester: in.Requester, DryRun: true,
	}), "planned", "")
}

func recordLastRole(r *grantEnv) client.WorkflowRun {
	return r.requireEnd(r.startRevoke("", r.viewer), "refused", "")
}

func recordLastRoleAtApply(r *grantEnv) client.WorkflowRun {
	r.setRolesByHand(r.viewer, r.requested)
	g := newRequestGate(r)
	g.blockAt(r.user, revokeCalls[1])
	run := r.startRevoke("", r.requested)
	g.untilBlocked(1)
	r.setRolesByHand(r.requested)
	g.open()
	return r.requireEnd(run, "refused", access.LastRoleStays)
}

func recordRevokeWaitedOut(r *grantEnv) client.WorkflowRun {
	r.setRolesByHand(r.viewer, r.requested)
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Times: 3})
	return r.requireEnd(r.startRevoke("", r.requested), "revoked", access.Removed)
}

func recordUnknownRole(r *grantEnv) client.WorkflowRun {
	h := r.requested
	h.RoleID = "1"
	run := r.startRevoke("", h)
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "role with id 1")
	return run
}

func recordRevokeCancelled(r *grantEnv) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID})
	run := r.startRevoke("", r.requested)
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.requireEnd(run, "cancelled", "")
}

var principalScenarios = map[string]func(*stack) string{
	"one_change":          recordWriter(func(r *grantEnv) { recordGranted(r) }),
	"one_lease":           recordWriter(func(r *grantEnv) { recordExpired(r) }),
	"two_leases":          recordWriter(recordTwoLeases),
	"extended":            recordWriter(func(r *grantEnv) { recordExtended(r) }),
	"preempted":           recordWriter(recordPreempted),
	"withdrawn":           recordWriter(func(r *grantEnv) { recordCancelledApplying(r) }),
	"given_again_by_hand": recordWriter(recordGrantedAgainByHand),
	"refused":             recordWriter(func(r *grantEnv) { recordLevelAtApply(r) }),
	"failed":              recordWriter(func(r *grantEnv) { recordRefusedAtApply(r) }),
	"waited_out":          recordWriter(func(r *grantEnv) { recordReleaseWaitedOut(r) }),
}

// recordWriter records the one writer of the user's roles, once it has ended.
func recordWriter(scenario func(*grantEnv)) func(*stack) string {
	return func(s *stack) string {
		r := prepareGrantEnv(s.t, s)
		scenario(r)
		id := wire.PrincipalID(s.consoleKey(), r.user.Kind, r.user.ID)
		require.NoError(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
		return id
	}
}

// recordTwoLeases has another role at the same scope in between.
func recordTwoLeases(r *grantEnv) {
	first := r.startActive("/1", "6s")
	other := r.requested
	other.RoleID = predefined(r.t, r.console.Truth(), "Admin").ID
	second := r.startGrant("/2", r.inputFor(r.user, other, "1s"))
	r.requireEnd(second, "expired", access.Released)
	r.requireEnd(first, "expired", access.Released)
}

// recordPreempted has a grant under way when another one is ended.
func recordPreempted(r *grantEnv) {
	first := r.startActive("/1", "1h")
	other := r.requested
	other.ScopeID = r.console.Truth().Sites[2].ID
	r.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Method: "PUT", Times: 2,
	})
	second := r.startGrant("/2", r.inputFor(r.user, other, ""))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, func(q consoletest.Request) bool {
		return r.aboutUser(q) && q.Write()
	}))
	r.update(first, wire.EndUpdate, byBob)
	r.requireEnd(first, "ended", access.Released)
	r.requireEnd(second, "granted", access.Applied)
}

// recordGivenAgain has somebody give the role again between the two reads that prove
// its absence.
func recordGrantedAgainByHand(r *grantEnv) {
	run := r.startOneSecondGrant("")
	r.untilHolds(true)
	r.untilHolds(false)
	r.setRolesByHand(r.viewer, r.requested)
	r.requireEnd(run, "expired", access.Superseded)
}
