//go:build record

package e2e

import (
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

var grantScenarios = map[string]scenario{
	"granted":                  recordRequest(recordGranted),
	"already_held":             recordRequest(recordAlreadyHeld),
	"planned":                  recordRequest(recordDryRun),
	"refused_by_plan":          recordRequest(recordRefusedByPlan),
	"refused_at_apply":         recordRequest(recordRefusedAtApply),
	"refused_level_at_apply":   recordRequest(recordLevelAtApply),
	"expired":                  recordRequest(recordExpired),
	"ended":                    recordRequest(recordEnded),
	"extended_expired":         recordRequest(recordExtended),
	"superseded":               recordRequest(recordSuperseded),
	"still_held":               recordRequest(recordStillHeld),
	"scheduled_granted":        recordRequest(recordScheduled),
	"cancelled_scheduled":      recordRequest(recordCancelledScheduled),
	"cancelled_not_applied":    recordRequest(recordCancelledNotApplied),
	"cancelled_applying":       recordRequest(recordCancelledApplying),
	"cancelled_active":         recordRequest(recordCancelledActive),
	"cancelled_while_planning": recordRequest(recordCancelledPlanning),
	"failed_unknown_principal": recordRequest(recordUnknownPrincipal),
	"failed_input":             recordRequest(recordBadInput),
	"waited_out":               recordRequest(recordGrantWaitedOut),
	"release_waited_out":       recordRequest(recordReleaseWaitedOut),
}

// conflictPolicy does not allow SOC and Admin to one principal.
const conflictPolicy = `
rules: [{name: all, permanent: true, autoApprove: true}]
separationOfDuties: [{roles: [SOC, Admin], at: anywhere, reason: four eyes}]
`

// conflictScenarios follow conflictPolicy.
var conflictScenarios = map[string]scenario{
	"refused_conflict": recordRequest(func(r *grantEnv) client.WorkflowRun {
		r.setRolesByHand(r.viewer, r.world.AtSite("Admin", 2))
		return r.requireEnd(r.startGrant("", r.input("")), "refused", "")
	}),
	"refused_conflict_at_apply": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return recordEditBeforeApply(r, access.RolesConflict, r.viewer, r.world.AtSite("Admin", 2))
	}),
}

// lastRoleGrantScenarios follow deleteLastRolePolicy.
var lastRoleGrantScenarios = map[string]scenario{
	"expired_deleted": recordRequest(func(r *grantEnv) client.WorkflowRun {
		require.NoError(r.t, r.console.SetUserRoles(r.user.ID, access.SiteLevel, nil))
		return r.requireEnd(r.startOneSecondGrant(""), "expired", access.Deleted)
	}),
}

// requireEnd checks the state and the outcome in which a request ended.
func (r *grantEnv) requireEnd(run client.WorkflowRun, state string, outcome access.Outcome) client.WorkflowRun {
	r.t.Helper()
	got := r.result(run)
	require.Equal(r.t, state, got.State, got.Message)
	require.Equal(r.t, outcome, got.Outcome)
	return run
}

func recordGranted(r *grantEnv) client.WorkflowRun {
	return r.requireEnd(r.startGrant("", r.input("")), "granted", access.Applied)
}

func recordAlreadyHeld(r *grantEnv) client.WorkflowRun {
	recordGranted(r)
	return r.requireEnd(r.startGrant("/again", r.input("")), "granted", access.AlreadyHeld)
}

func recordDryRun(r *grantEnv) client.WorkflowRun {
	in := r.input("1h")
	in.DryRun = true
	return r.requireEnd(r.startGrant("", in), "planned", "")
}

// atAccount is the requested role at the level of accounts; the user is at that of sites.
func (r *grantEnv) atAccount() access.Holding {
	return access.Holding{
		Level: access.AccountLevel, RoleID: r.requested.RoleID, ScopeID: r.console.Truth().Accounts[0].ID,
	}
}

func recordRefusedByPlan(r *grantEnv) client.WorkflowRun {
	return r.requireEnd(r.startGrant("", r.inputFor(r.user, r.atAccount(), "")), "refused", "")
}

func recordRefusedAtApply(r *grantEnv) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Method: "PUT"})
	return r.requireEnd(r.startGrant("", r.input("")), "refused", "")
}

func recordLevelAtApply(r *grantEnv) client.WorkflowRun {
	return recordEditBeforeApply(r, access.LevelDiffers, r.atAccount())
}

// recordEditBeforeApply has somebody edit the user's roles between the plan and the change,
// which is refused then.
func recordEditBeforeApply(r *grantEnv, outcome access.Outcome, edited ...access.Holding) client.WorkflowRun {
	g := newRequestGate(r)
	g.blockAt(r.user, grantCalls[1])
	run := r.startGrant("", r.input("1h"))
	g.untilBlocked(1)
	r.setRolesByHand(edited...)
	g.open()
	return r.requireEnd(run, "refused", outcome)
}

func recordExpired(r *grantEnv) client.WorkflowRun {
	return r.requireEnd(r.startOneSecondGrant(""), "expired", access.Released)
}

// startActive starts a timed grant and waits until it is active.
func (r *grantEnv) startActive(name, duration string) client.WorkflowRun {
	r.t.Helper()
	run := r.startGrant(name, r.input(duration))
	r.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	return run
}

var stopByBob = wire.StopInput{By: "bob@example.com"}

func recordEnded(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "1h")
	r.update(run, wire.EndUpdate, stopByBob)
	return r.requireEnd(run, "ended", access.Released)
}

func recordExtended(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "3s")
	r.update(run, wire.ExtendUpdate, wire.ExtendInput{By: stopByBob.By, Duration: access.Duration(2 * time.Second)})
	return r.requireEnd(run, "expired", access.Released)
}

func recordSuperseded(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "2s")
	r.setRolesByHand(r.viewer, r.world.Admin)
	return r.requireEnd(run, "expired", access.Superseded)
}

func recordStillHeld(r *grantEnv) client.WorkflowRun {
	r.startActive("/other", "1h")
	return r.requireEnd(r.startOneSecondGrant(""), "expired", access.StillHeld)
}

func recordScheduled(r *grantEnv) client.WorkflowRun {
	in := r.input("")
	in.StartAt = new(time.Now().Add(2 * time.Second))
	return r.requireEnd(r.startGrant("", in), "granted", access.Applied)
}

func recordCancelledScheduled(r *grantEnv) client.WorkflowRun {
	in := r.input("1h")
	in.StartAt = new(time.Now().Add(time.Hour))
	run := r.startGrant("", in)
	r.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
	r.update(run, wire.CancelUpdate, stopByBob)
	return r.requireEnd(run, "cancelled", "")
}

// recordCancelledNotApplied cancels a grant whose writer cannot read the user, and so has
// written nothing.
func recordCancelledNotApplied(r *grantEnv) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, After: 1})
	run := r.startGrant("", r.input("1h"))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 3, r.aboutUser))
	cancelByUpdate(&cancelledRequest{stalledRequest: &stalledRequest{grantEnv: r, run: run}})
	r.console.ClearFaults()
	return r.requireEnd(run, "cancelled", access.NotApplied)
}

func recordCancelledApplying(r *grantEnv) client.WorkflowRun {
	g := newRequestGate(r)
	g.blockAt(r.user, grantCalls[2])
	run := r.startGrant("", r.input("1h"))
	g.untilBlocked(1)
	cancelByUpdate(&cancelledRequest{stalledRequest: &stalledRequest{grantEnv: r, run: run}})
	g.open()
	return r.requireEnd(run, "cancelled", access.Released)
}

func recordCancelledActive(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "1h")
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.requireEnd(run, "cancelled", access.Released)
}

func recordCancelledPlanning(r *grantEnv) client.WorkflowRun {
	r.badGateway("", 0)
	run := r.startGrant("", r.input("1h"))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.requireEnd(run, "cancelled", "")
}

// badGateway has the console answer 502 to requests about the user of a method, or of all
// methods if that is empty: so many times, or always if that is 0.
func (r *grantEnv) badGateway(method string, times int) {
	r.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Method: method, Times: times,
	})
}

func (r *grantEnv) aboutUser(q consoletest.Request) bool { return q.Path == "/users/"+r.user.ID }

func recordUnknownPrincipal(r *grantEnv) client.WorkflowRun {
	in := r.input("")
	in.Principal = access.PrincipalSelector{Kind: access.User, Email: "nobody@example.com"}
	run := r.startGrant("", in)
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "nobody@example.com")
	return run
}

func recordBadInput(r *grantEnv) client.WorkflowRun {
	in := r.input("0s")
	run := r.startGrant("", in)
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "pass one above 0")
	return run
}

func recordGrantWaitedOut(r *grantEnv) client.WorkflowRun {
	r.badGateway("", 3)
	return r.requireEnd(r.startGrant("", r.input("")), "granted", access.Applied)
}

func recordReleaseWaitedOut(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "2s")
	r.badGateway("", 2)
	return r.requireEnd(run, "expired", access.Released)
}
