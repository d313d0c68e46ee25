//go:build record

package e2e

import (
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

var revokeScenarios = map[string]scenario{
	"revoked":                  recordRequest(recordRevoked),
	"already_absent":           recordRequest(recordAlreadyAbsent),
	"planned":                  recordRequest(recordRevokeDryRun),
	"refused_last_role":        recordRequest(recordLastRole),
	"refused_at_apply":         recordRequest(recordLastRoleAtApply),
	"waited_out":               recordRequest(recordRevokeWaitedOut),
	"failed_unknown_role":      recordRequest(recordUnknownRole),
	"cancelled_while_planning": recordRequest(recordRevokeCancelled),
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
	r.badGateway("", 3)
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
	r.badGateway("", 0)
	run := r.startRevoke("", r.requested)
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.requireEnd(run, "cancelled", "")
}

// oneLeadShortPolicy asks one lead about revokes and grants, who has eight seconds.
const oneLeadShortPolicy = `
groups: {leads: [carol@example.com, dave@example.com]}
rules:
  - {name: revokes, for: [revoke], decideWithin: 8s, approvals: [{need: 1, from: [leads]}]}
  - {name: grants, permanent: true, decideWithin: 8s, approvals: [{need: 1, from: [leads]}]}
`

// revokeApprovalScenarios follow oneLeadShortPolicy.
var revokeApprovalScenarios = map[string]scenario{
	"approved": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startRevokeAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		return r.requireEnd(run, "revoked", access.Removed)
	}),
	"denied": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startRevokeAwaitingApproval()
		r.mustDecide(run, "deny", "carol@example.com")
		return r.requireEnd(run, "denied", "")
	}),
	"timed_out": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startRevokeAwaitingApproval(), "timedOut", "")
	}),
	"cancelled_awaiting_approval": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startRevokeAwaitingApproval()
		require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
		return r.requireEnd(run, "cancelled", "")
	}),
}

func (r *grantEnv) startRevokeAwaitingApproval() client.WorkflowRun {
	r.t.Helper()
	r.setRolesByHand(r.viewer, r.requested)
	run := r.startRevoke("", r.requested)
	r.untilStatus(run, isAwaitingApproval)
	return run
}

// deleteLastRolePolicy deletes a principal whose last role ends.
const deleteLastRolePolicy = `
rules: [{name: all, for: [grant, revoke], autoApprove: true, permanent: true, lastRole: delete}]
`

// lastRoleRevokeScenarios follow deleteLastRolePolicy.
var lastRoleRevokeScenarios = map[string]scenario{
	"deleted": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startRevoke("", r.viewer), "revoked", access.Deleted)
	}),
}

var principalScenarios = map[string]scenario{
	"one_change":            recordWriter(func(r *grantEnv) { recordGranted(r) }),
	"one_lease":             recordWriter(func(r *grantEnv) { recordExpired(r) }),
	"two_leases":            recordWriter(recordTwoLeases),
	"extended":              recordWriter(func(r *grantEnv) { recordExtended(r) }),
	"preempted":             recordWriter(recordPreempted),
	"withdrawn":             recordWriter(func(r *grantEnv) { recordCancelledApplying(r) }),
	"granted_again_by_hand": recordWriter(recordGrantedAgainByHand),
	"refused":               recordWriter(func(r *grantEnv) { recordLevelAtApply(r) }),
	"failed":                recordWriter(func(r *grantEnv) { recordRefusedAtApply(r) }),
	"waited_out":            recordWriter(func(r *grantEnv) { recordReleaseWaitedOut(r) }),
	"offboarded": recordWriter(func(r *grantEnv) {
		recordOffboard(&accountEnv{grantEnv: r})
	}),
}

// recordWriter records the one writer of the user's roles, once it has ended.
func recordWriter(change func(*grantEnv)) scenario {
	return func(s *stack) string {
		r := prepareGrantEnv(s.t, s)
		change(r)
		id := wire.PrincipalID(s.consoleKey(), r.user.Kind, r.user.ID)
		require.NoError(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
		return id
	}
}

// recordTwoLeases has a lease on another role at the same scope in between.
func recordTwoLeases(r *grantEnv) {
	first := r.startActive("/1", "6s")
	second := r.startGrant("/2", r.inputFor(r.user, r.world.Admin, "1s"))
	r.requireEnd(second, "expired", access.Released)
	r.requireEnd(first, "expired", access.Released)
}

// recordPreempted ends one grant while another one is being applied.
func recordPreempted(r *grantEnv) {
	first := r.startActive("/1", "1h")
	r.badGateway("PUT", 2)
	second := r.startGrant("/2", r.inputFor(r.user, r.world.AtSite("SOC", 2), ""))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, func(q consoletest.Request) bool {
		return r.aboutUser(q) && q.Write()
	}))
	r.update(first, wire.EndUpdate, stopByBob)
	r.requireEnd(first, "ended", access.Released)
	r.requireEnd(second, "granted", access.Applied)
}

// recordGrantedAgainByHand has somebody grant the role again between the two reads that
// verify its absence.
func recordGrantedAgainByHand(r *grantEnv) {
	run := r.startOneSecondGrant("")
	r.untilHolds(true)
	r.untilHolds(false)
	r.setRolesByHand(r.viewer, r.requested)
	r.requireEnd(run, "expired", access.Superseded)
}
