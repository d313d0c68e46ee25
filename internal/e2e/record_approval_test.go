//go:build record

package e2e

import (
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// twoLeadsShortPolicy asks two leads, who have ten seconds, and reminds them.
const twoLeadsShortPolicy = `
groups:
  leads: [carol@example.com, dave@example.com]
rules:
  - name: ask
    permanent: true
    decideWithin: 10s
    remindEvery: 4s
    approvals: [{need: 2, from: [leads]}]
`

// approvalScenarios follow twoLeadsShortPolicy.
var approvalScenarios = map[string]scenario{
	"approved": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"denied": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "deny", "dave@example.com")
		return r.requireEnd(run, "denied", "")
	}),
	"timed_out": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startAwaitingApproval(), "timedOut", "")
	}),
}

func (r *grantEnv) startAwaitingApproval() client.WorkflowRun {
	r.t.Helper()
	run := r.startGrant("", r.input(""))
	r.untilStatus(run, isAwaitingApproval)
	return run
}

func (r *grantEnv) mustDecide(run client.WorkflowRun, action, by string) {
	r.t.Helper()
	_, err := r.decide(run, action, by)
	require.NoError(r.t, err)
}

// escalationPolicy asks two leads, and from four seconds on the boss too.
const escalationPolicy = `
groups:
  leads: [carol@example.com, dave@example.com]
  bosses: [boss@example.com]
rules:
  - name: ask
    permanent: true
    decideWithin: 1h
    escalateAfter: 4s
    escalateTo: [bosses]
    approvals: [{need: 2, from: [leads]}]
`

// escalationScenarios follow escalationPolicy.
var escalationScenarios = map[string]scenario{
	"delegated": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		_, err := r.delegate(r.t.Name(), wire.DelegationInput{
			By: "carol@example.com", To: "lead3@example.com", Duration: access.Duration(time.Hour),
		})
		require.NoError(r.t, err)
		r.mustDecide(run, "approve", "lead3@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"escalated": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.untilStatus(run, func(got wire.RequestStatus) bool { return !got.Approval.EscalatedAt.IsZero() })
		r.mustDecide(run, "approve", "boss@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"approved_for_less_time": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startGrant("", r.input("1h"))
		r.untilStatus(run, isAwaitingApproval)
		r.mustDecide(run, "approve", "carol@example.com")
		r.update(run, wire.ApproveUpdate, wire.DecisionInput{
			By: "dave@example.com", Duration: access.Duration(2 * time.Second),
		})
		return r.requireEnd(run, "expired", access.Released)
	}),
	"approved_again_after_change": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.setRolesByHand(r.viewer, r.world.AtSite("Admin", 1))
		r.mustDecide(run, "approve", "dave@example.com")
		r.untilStatus(run, isPlannedAgain)
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"cancelled_awaiting_approval": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.update(run, wire.CancelUpdate, stopByBob)
		return r.requireEnd(run, "cancelled", "")
	}),
	"cancelled_awaiting_approval_in_temporal": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		require.NoError(r.t, r.client.CancelWorkflow(r.ctx(), run.GetID(), ""))
		return r.requireEnd(run, "cancelled", "")
	}),
}

// twoStepsPolicy asks a lead, and then the boss.
const twoStepsPolicy = `
groups:
  leads: [carol@example.com, dave@example.com]
  bosses: [boss@example.com]
rules:
  - name: steps
    permanent: true
    approvals: [{need: 1, from: [leads]}, {need: 1, from: [bosses]}]
`

// stepScenarios follow twoStepsPolicy.
var stepScenarios = map[string]scenario{
	"approved_in_two_steps": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "approve", "boss@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"denied_in_second_step": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "deny", "boss@example.com")
		return r.requireEnd(run, "denied", "")
	}),
}

// breakGlassScenarios are reviewed within ten seconds, or not.
var breakGlassScenarios = map[string]scenario{
	"reviewed_granted": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.reviewed(r.startGrant("", r.breakGlassInput("")))
		return r.requireEnd(run, "granted", access.AlreadyHeld) // by the lease that it was until then
	}),
	"reviewed_expired": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.reviewed(r.startGrant("", r.breakGlassInput("5s")))
		return r.requireEnd(run, "expired", access.Released)
	}),
	"reviewed_after_its_end": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startGrant("", r.breakGlassInput("1h"))
		r.untilStatus(run, isInReview)
		r.update(run, wire.EndUpdate, stopByBob)
		r.mustDecide(run, "approve", "carol@example.com")
		return r.requireEnd(run, "ended", access.Released)
	}),
	"review_denied": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startGrant("", r.breakGlassInput("1h"))
		r.untilStatus(run, isInReview)
		r.mustDecide(run, "deny", "carol@example.com")
		return r.requireEnd(run, "ended", access.Released)
	}),
	"not_reviewed": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startGrant("", r.breakGlassInput("")), "ended", access.Released)
	}),
	"expired_before_review": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startGrant("", r.breakGlassInput("1s")), "expired", access.Released)
	}),
}

func (r *grantEnv) reviewed(run client.WorkflowRun) client.WorkflowRun {
	r.t.Helper()
	r.untilStatus(run, isInReview)
	r.mustDecide(run, "approve", "carol@example.com")
	return run
}

var delegateScenarios = map[string]scenario{
	"delegated": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.startDelegation("", time.Hour)
	}),
	"revoked": recordRequest(func(r *grantEnv) client.WorkflowRun {
		require.NoError(r.t, r.startDelegation("/first", time.Hour).Get(r.ctx(), nil))
		run := r.startDelegation("", -time.Hour)
		require.NoError(r.t, run.Get(r.ctx(), nil))
		return run
	}),
	"refused_nothing_to_revoke": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startDelegation("", -time.Hour)
		require.Error(r.t, run.Get(r.ctx(), nil))
		return run
	}),
	"failed_input": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.start(wire.DelegateID(r.t.Name()), wire.DelegateType, wire.DelegationInput{By: "carol@example.com"})
		require.Error(r.t, run.Get(r.ctx(), nil))
		return run
	}),
}

// startDelegation delegates Carol's decisions to Dave until some time from now; a time in
// the past revokes that.
func (r *grantEnv) startDelegation(name string, until time.Duration) client.WorkflowRun {
	r.t.Helper()
	return r.start(wire.DelegateID(r.t.Name()+name), wire.DelegateType, wire.DelegationInput{
		By: "carol@example.com", To: "dave@example.com", Until: time.Now().Add(until),
	})
}
