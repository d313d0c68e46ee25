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
func recordGrant(scenario func(*roles) client.WorkflowRun) func(*stack) string {
	return func(s *stack) string {
		run := scenario(prepareRoles(s.t, s))
		_ = run.Get(s.ctx(), nil) // the scenario has checked it, or it fails on purpose
		return run.GetID()
	}
}

// must checks how a request ended.
func (r *roles) must(run client.WorkflowRun, state string, outcome access.Outcome) client.WorkflowRun {
	r.t.Helper()
	got := r.ended(run)
	require.Equal(r.t, state, got.State, got.Message)
	require.Equal(r.t, outcome, got.Outcome)
	return run
}

func recordGranted(r *roles) client.WorkflowRun {
	return r.must(r.startGrant("", r.input("")), "granted", access.Applied)
}

func recordAlreadyHeld(r *roles) client.WorkflowRun {
	recordGranted(r)
	return r.must(r.startGrant("/again", r.input("")), "granted", access.AlreadyHeld)
}

func recordDryRun(r *roles) client.WorkflowRun {
	in := r.input("1h")
	in.DryRun = true
	return r.must(r.startGrant("", in), "planned", "")
}

// atAccount is the wanted role at another level than the user is at.
func (r *roles) atAccount() access.Holding {
	return access.Holding{
		Level: access.AccountLevel, RoleID: r.wanted.RoleID, ScopeID: r.console.Truth().Accounts[0].ID,
	}
}

func recordRefusedByPlan(r *roles) client.WorkflowRun {
	return r.must(r.startGrant("", r.inputFor(r.user, r.atAccount(), "")), "refused", "")
}

func recordRefusedAtApply(r *roles) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Method: "PUT"})
	return r.must(r.startGrant("", r.input("")), "refused", "")
}

func recordLevelAtApply(r *roles) client.WorkflowRun {
	g := newGate(r)
	g.hold(r.user, grantCalls[1])
	run := r.startGrant("", r.input("1h"))
	g.untilHeld(1)
	r.byHand(r.atAccount())
	g.open()
	return r.must(run, "refused", access.LevelDiffers)
}

func recordExpired(r *roles) client.WorkflowRun {
	return r.must(r.startTimed(""), "expired", access.Released)
}

// startActive starts a timed grant that is in force when this returns.
func (r *roles) startActive(name, duration string) client.WorkflowRun {
	r.t.Helper()
	run := r.startGrant(name, r.input(duration))
	r.untilRequest(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	return run
}

var byBob = wire.StopInput{By: "bob@example.com"}

func recordEnded(r *roles) client.WorkflowRun {
	run := r.startActive("", "1h")
	r.update(run, wire.EndUpdate, byBob)
	return r.must(run, "ended", access.Released)
}

func recordExtended(r *roles) client.WorkflowRun {
	run := r.startActive("", "3s")
	r.update(run, wire.ExtendUpdate, wire.ExtendInput{By: byBob.By, Duration: access.Duration(2 * time.Second)})
	return r.must(run, "expired", access.Released)
}

func recordSuperseded(r *roles) client.WorkflowRun {
	run := r.startActive("", "2s")
	other := r.wanted
	other.RoleID = predefined(r.t, r.console.Truth(), "Admin").ID
	r.byHand(r.viewer, other)
	return r.must(run, "expired", access.Superseded)
}

func recordStillHeld(r *roles) client.WorkflowRun {
	r.startActive("/other", "1h")
	return r.must(r.startTimed(""), "expired", access.StillHeld)
}

func recordScheduled(r *roles) client.WorkflowRun {
	in := r.input("")
	in.StartAt = new(time.Now().Add(2 * time.Second))
	return r.must(r.startGrant("", in), "granted", access.Applied)
}

func recordCancelledScheduled(r *roles) client.WorkflowRun {
	in := r.input("1h")
	in.StartAt = new(time.Now().Add(time.Hour))
	run := r.startGrant("", in)
	r.untilRequest(run, func(got wire.RequestStatus) bool { return got.State == wire.StateScheduled })
	r.update(run, wire.CancelUpdate, byBob)
	return r.must(run, "cancelled", "")
}

func recordCancelledApplying(r *roles) client.WorkflowRun {
	g := newGate(r)
	g.hold(r.user, grantCalls[2])
	run := r.startGrant("", r.input("1h"))
	g.untilHeld(1)
	byUpdate(&calledOff{stuck: &stuck{roles: r, run: run}})
	g.open()
	return r.must(run, "cancelled", access.Released)
}

func recordCancelledActive(r *roles) client.WorkflowRun {
	run := r.startActive("", "1h")
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.must(run, "cancelled", access.Released)
}

func recordCancelledPlanning(r *roles) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID})
	run := r.startGrant("", r.input("1h"))
	require.NoError(r.t, r.console.WaitForRequests(r.ctx(), 2, r.aboutUser))
	require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
	return r.must(run, "cancelled", "")
}

func (r *roles) aboutUser(q consoletest.Request) bool { return q.Path == "/users/"+r.user.ID }

func recordUnknownPrincipal(r *roles) client.WorkflowRun {
	in := r.input("")
	in.Principal = access.PrincipalSelector{Kind: access.User, Email: "nobody@example.com"}
	run := r.startGrant("", in)
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "nobody@example.com")
	return run
}

func recordBadInput(r *roles) client.WorkflowRun {
	in := r.input("0s")
	run := r.startGrant("", in)
	require.ErrorContains(r.t, run.Get(r.ctx(), nil), "give one above 0")
	return run
}

func recordGrantWaitedOut(r *roles) client.WorkflowRun {
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Times: 3})
	return r.must(r.startGrant("", r.input("")), "granted", access.Applied)
}

func recordReleaseWaitedOut(r *roles) client.WorkflowRun {
	run := r.startActive("", "2s")
	r.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + r.user.ID, Times: 2})
	return r.must(run, "expired", access.Released)
}
