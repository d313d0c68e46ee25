//go:build record

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Grants of which somebody else decides than was asked first.
var delegationScenarios = map[string]func(*stack) string{
	"delegated": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		_, err := r.delegate(r.t.Name(), wire.DelegationInput{
			By: "carol@example.com", To: "lead3@example.com", Duration: access.Duration(time.Hour),
		})
		require.NoError(r.t, err)
		r.mustDecide(run, "approve", "lead3@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"escalated": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.untilStatus(run, func(got wire.RequestStatus) bool { return !got.Approval.EscalatedAt.IsZero() })
		r.mustDecide(run, "approve", "boss@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"narrowed_expired": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startGrant("", r.input("1h"))
		r.untilStatus(run, isAwaitingApproval)
		r.mustDecide(run, "approve", "carol@example.com")
		r.update(run, wire.ApproveUpdate, wire.DecisionInput{
			By: "dave@example.com", Duration: access.Duration(2 * time.Second),
		})
		return r.requireEnd(run, "expired", access.Released)
	}),
	"cancelled_asked": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.update(run, wire.CancelUpdate, byBob)
		return r.requireEnd(run, "cancelled", "")
	}),
}

// escalating is a policy that lets the boss in after a few seconds.
func escalationPolicy(t *testing.T) []string {
	t.Helper()
	return policySettings(t, `
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
`)
}

// Grants that start at once.
var breakGlassScenarios = map[string]func(*stack) string{
	"reviewed_granted": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.reviewed(r.startGrant("", r.breakGlassInput("")))
		return r.requireEnd(run, "granted", access.AlreadyHeld) // by the lease that it was until then
	}),
	"reviewed_expired": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.reviewed(r.startGrant("", r.breakGlassInput("5s")))
		return r.requireEnd(run, "expired", access.Released)
	}),
	"review_denied": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startGrant("", r.breakGlassInput("1h"))
		r.untilStatus(run, isInReview)
		r.mustDecide(run, "deny", "carol@example.com")
		return r.requireEnd(run, "ended", access.Released)
	}),
	"not_reviewed": recordGrant(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startGrant("", r.breakGlassInput("")), "ended", access.Released)
	}),
	"expired_before_review": recordGrant(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startGrant("", r.breakGlassInput("1s")), "expired", access.Released)
	}),
}

func (r *grantEnv) reviewed(run client.WorkflowRun) client.WorkflowRun {
	r.t.Helper()
	r.untilStatus(run, isInReview)
	r.mustDecide(run, "approve", "carol@example.com")
	return run
}

func tenSecondReviewPolicy(t *testing.T) []string {
	t.Helper()
	return policySettings(t, breakGlassPolicy+"10s\n      reviewers: {need: 1, from: [leads]}\n")
}

// Revokes that wait for people.
var revokeApprovalScenarios = map[string]func(*stack) string{
	"approved": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startRevokeAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		return r.requireEnd(run, "revoked", access.Removed)
	}),
	"denied": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startRevokeAwaitingApproval()
		r.mustDecide(run, "deny", "carol@example.com")
		return r.requireEnd(run, "denied", "")
	}),
	"timed_out": recordGrant(func(r *grantEnv) client.WorkflowRun { return r.requireEnd(r.startRevokeAwaitingApproval(), "timedOut", "") }),
}

func (r *grantEnv) startRevokeAwaitingApproval() client.WorkflowRun {
	r.t.Helper()
	r.setRolesByHand(r.viewer, r.requested)
	run := r.startRevoke("", r.requested)
	r.untilStatus(run, isAwaitingApproval)
	return run
}

func revokeApprovalPolicy(t *testing.T) []string {
	t.Helper()
	return policySettings(t, `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: ask, for: [revoke], decideWithin: 8s, approvals: [{need: 1, from: [leads]}]}]
`)
}

// New users, about whom people are asked.
var userApprovalScenarios = map[string]func(*stack) string{
	"approved": recordAccount(func(a *accountEnv) client.WorkflowRun {
		run := a.startUserAwaitingApproval()
		a.mustDecide(run, "approve", "carol@example.com")
		return a.requireEnd(run, "provisioned", access.Created)
	}),
	"denied": recordAccount(func(a *accountEnv) client.WorkflowRun {
		run := a.startUserAwaitingApproval()
		a.mustDecide(run, "deny", "carol@example.com")
		return a.requireEnd(run, "denied", "")
	}),
}

func (a *accountEnv) startUserAwaitingApproval() client.WorkflowRun {
	a.t.Helper()
	run := a.startUser("new")
	a.untilStatus(run, isAwaitingApproval)
	return run
}

// Delegations on their own.
var delegateScenarios = map[string]func(*stack) string{
	"delegated": recordGrant(func(r *grantEnv) client.WorkflowRun {
		return r.start(wire.DelegateID(r.t.Name()), wire.DelegateType, wire.DelegationInput{
			By: "carol@example.com", To: "dave@example.com", Duration: access.Duration(time.Hour),
		})
	}),
	"refused_nothing_to_take_back": recordGrant(func(r *grantEnv) client.WorkflowRun {
		return r.start(wire.DelegateID(r.t.Name()), wire.DelegateType, wire.DelegationInput{
			By: "carol@example.com", To: "dave@example.com", Until: time.Now().Add(-time.Hour),
		})
	}),
}

func oneLeadSettings(t *testing.T) []string {
	t.Helper()
	return policySettings(t, oneLeadPolicy)
}

// recordPolicy is a file with a policy, and the variable that names it.
func policySettings(t *testing.T, text string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return []string{"POLICY_FILE=" + file}
}
