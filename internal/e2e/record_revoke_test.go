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

func recordRevoked(r *roles) client.WorkflowRun {
	r.byHand(r.viewer, r.wanted)
	return r.must(r.startRevoke("", r.wanted), "revoked", access.Removed)
}

func recordAlreadyAbsent(r *roles) client.WorkflowRun {
	return r.must(r.startRevoke("", r.wanted), "revoked", access.AlreadyAbsent)
}

func recordRevokeDryRun(r *roles) client.WorkflowRun {
	in := r.input("")
	return r.must(r.start(wire.RevokeID(r.t.Name()), wire.RevokeType, wire.RevokeInput{
		Principal: in.Principal, Role: in.Role, Scope: in.Scope, Requester: in.Requester, DryRun: true,
	}), "planned", "")
}

func recordLastRole(r *roles) client.WorkflowRun {
	return r.must(r.startRevoke("", r.viewer), "refused", "")
}

func recordLastRoleAtApply(r *roles) client.WorkflowRun {
	r.byHand(r.viewer, r.wanted)
	g := newGate(r)
	g.hold(r.user, revokeCalls[1])
	run := r.startRevoke("", r.wanted)
	g.untilHeld(1)
	r.byHand(r.wanted)
	g.open()
	return r.must(run, "refused", access.LastRoleStays)
}

func recordRevokeWaitedOut(r *roles) client.WorkflowRun {
	r.byHand(r.viewer, r.wanted)
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Times: 3})
	return r.must(r.startRevoke("", r.wanted), "revoked", access.Removed)
}

func recordUnknownRole(r *roles) client.WorkflowRun {
	h := r.wanted
	h.RoleID = "1"
	run := r.startRevoke("", h)
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "role with id 1")
	return run
}

func recordRevokeCancelled(r *roles) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID})
	run := r.startRevoke("", r.wanted)
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.must(run, "cancelled", "")
}

var principalScenarios = map[string]func(*stack) string{
	"one_change":          recordWriter(func(r *roles) { recordGranted(r) }),
	"one_lease":           recordWriter(func(r *roles) { recordExpired(r) }),
	"two_leases":          recordWriter(recordTwoLeases),
	"extended":            recordWriter(func(r *roles) { recordExtended(r) }),
	"preempted":           recordWriter(recordPreempted),
	"withdrawn":           recordWriter(func(r *roles) { recordCancelledApplying(r) }),
	"given_again_by_hand": recordWriter(recordGivenAgain),
	"refused":             recordWriter(func(r *roles) { recordLevelAtApply(r) }),
	"failed":              recordWriter(func(r *roles) { recordRefusedAtApply(r) }),
	"waited_out":          recordWriter(func(r *roles) { recordReleaseWaitedOut(r) }),
}

// recordWriter records the one writer of the user's roles, once it has ended.
func recordWriter(scenario func(*roles)) func(*stack) string {
	return func(s *stack) string {
		r := prepareRoles(s.t, s)
		scenario(r)
		id := wire.PrincipalID(s.consoleKey(), r.user.Kind, r.user.ID)
		require.NoError(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
		return id
	}
}

// recordTwoLeases has another role at the same scope in between.
func recordTwoLeases(r *roles) {
	first := r.startActive("/1", "6s")
	other := r.wanted
	other.RoleID = predefined(r.t, r.console.Truth(), "Admin").ID
	second := r.startGrant("/2", r.inputFor(r.user, other, "1s"))
	r.must(second, "expired", access.Released)
	r.must(first, "expired", access.Released)
}

// recordPreempted has a grant under way when another one is ended.
func recordPreempted(r *roles) {
	first := r.startActive("/1", "1h")
	other := r.wanted
	other.ScopeID = r.console.Truth().Sites[2].ID
	r.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Method: "PUT", Times: 2,
	})
	second := r.startGrant("/2", r.inputFor(r.user, other, ""))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, func(q consoletest.Request) bool {
		return r.aboutUser(q) && q.Write()
	}))
	r.update(first, wire.EndUpdate, byBob)
	r.must(first, "ended", access.Released)
	r.must(second, "granted", access.Applied)
}

// recordGivenAgain has somebody give the role again between the two reads that prove
// its absence.
func recordGivenAgain(r *roles) {
	run := r.startTimed("")
	r.untilHolds(true)
	r.untilHolds(false)
	r.byHand(r.viewer, r.wanted)
	r.must(run, "expired", access.Superseded)
}
