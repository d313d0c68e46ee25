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

var grantScenarios = map[string]func(*stack) string{
	"granted":                  recordGrant(recordGranted),
	"already_held":             recordGrant(recordAlreadyHeld),
	"planned":                  recordGrant(recordDryRun),
	"refused_by_plan":          recordGrant(recordRefusedByPlan),
	"refused_at_apply":         recordGrant(recordRefusedAtApply),
	"refused_level_at_apply":   recordGrant(recordLevelAtApply),
	"expired":                  recordGrant(recordExpired),
	"ended":                    recordGrant(recordEnded),
	"extended_expired":         recordGrant(recordExtended),
	"superseded":               recordGrant(recordSuperseded),
	"still_held":               recordGrant(recordStillHeld),
	"scheduled_granted":        recordGrant(recordScheduled),
	"cancelled_scheduled":      recordGrant(recordCancelledScheduled),
	"cancelled_applying":       recordGrant(recordCancelledApplying),
	"cancelled_active":         recordGrant(recordCancelledActive),
	"cancelled_while_planning": recordGrant(recordCancelledPlanning),
	"failed_unknown_principal": recordGrant(recordUnknownPrincipal),
	"failed_input":             recordGrant(recordBadInput),
	"waited_out":               recordGrant(recordGrantWaitedOut),
	"release_waited_out":       recordGrant(recordReleaseWaitedOut),
}

// recordGrant records the request that the scenario returns.
func recordGrant(scenario func(*grantEnv) client.WorkflowRun) func(*stack) string {
	return func(s *stack) string {
		run := scenario(prepareGrantEnv(s.t, s))
		_ = run.Get(s.ctx(), nil) // the scenario has checked it, or it fails on purpose
		return run.GetID()
	}
}

// must checks how a request ended.
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

// atAccount is the wanted role at another level than the user is at.
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
	g := newRequestGate(r)
	g.blockAt(r.user, grantCalls[1])
	run := r.startGrant("", r.input("1h"))
	g.untilBlocked(1)
	r.setRolesByHand(r.atAccount())
	g.open()
	return r.requireEnd(run, "refused", access.LevelDiffers)
}

func recordExpired(r *grantEnv) client.WorkflowRun {
	return r.requireEnd(r.startOneSecondGrant(""), "expired", access.Released)
}

// startActive starts a timed grant that is in force when this returns.
func (r *grantEnv) startActive(name, duration string) client.WorkflowRun {
	r.t.Helper()
	run := r.startGrant(name, r.input(duration))
	r.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	return run
}

var byBob = wire.StopInput{By: "bob@example.com"}

func recordEnded(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "1h")
	r.update(run, wire.EndUpdate, byBob)
	return r.requireEnd(run, "ended", access.Released)
}

func recordExtended(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "3s")
	r.update(run, wire.ExtendUpdate, wire.ExtendInput{By: byBob.By, Duration: access.Duration(2 * time.Second)})
	return r.requireEnd(run, "expired", access.Released)
}

func recordSuperseded(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "2s")
	other := r.requested
	other.RoleID = predefined(r.t, r.console.Truth(), "Admin").ID
	r.setRolesByHand(r.viewer, other)
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
	r.update(run, wire.CancelUpdate, byBob)
	return r.requireEnd(run, "cancelled", "")
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
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID})
	run := r.startGrant("", r.input("1h"))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.requireEnd(run, "cancelled", "")
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
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "give one above 0")
	return run
}

func recordGrantWaitedOut(r *grantEnv) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Times: 3})
	return r.requireEnd(r.startGrant("", r.input("")), "granted", access.Applied)
}

func recordReleaseWaitedOut(r *grantEnv) client.WorkflowRun {
	run := r.startActive("", "2s")
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Times: 2})
	return r.requireEnd(run, "expired", access.Released)
}
