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
var handedScenarios = map[string]func(*stack) string{
	"delegated": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.asked()
		_, err := r.delegates(r.t.Name(), wire.DelegationInput{
			By: "carol@example.com", To: "lead3@example.com", Duration: access.Duration(time.Hour),
		})
		require.NoError(r.t, err)
		r.says(run, "approve", "lead3@example.com")
		r.says(run, "approve", "dave@example.com")
		return r.must(run, "granted", access.Applied)
	}),
	"escalated": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.asked()
		r.untilRequest(run, func(got wire.RequestStatus) bool { return !got.Approval.EscalatedAt.IsZero() })
		r.says(run, "approve", "boss@example.com")
		r.says(run, "approve", "dave@example.com")
		return r.must(run, "granted", access.Applied)
	}),
	"narrowed_expired": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.startGrant("", r.input("1h"))
		r.untilRequest(run, asks)
		r.says(run, "approve", "carol@example.com")
		r.update(run, wire.ApproveUpdate, wire.DecisionInput{
			By: "dave@example.com", Duration: access.Duration(2 * time.Second),
		})
		return r.must(run, "expired", access.Released)
	}),
	"cancelled_asked": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.asked()
		r.update(run, wire.CancelUpdate, byBob)
		return r.must(run, "cancelled", "")
	}),
}

// escalating is a policy that lets the boss in after a few seconds.
func escalating(t *testing.T) []string {
	t.Helper()
	return recordPolicy(t, `
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
var glassScenarios = map[string]func(*stack) string{
	"reviewed_granted": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.reviewed(r.startGrant("", r.glass("")))
		return r.must(run, "granted", access.AlreadyHeld) // by the lease that it was until then
	}),
	"reviewed_expired": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.reviewed(r.startGrant("", r.glass("5s")))
		return r.must(run, "expired", access.Released)
	}),
	"review_denied": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.startGrant("", r.glass("1h"))
		r.untilRequest(run, reviewing)
		r.says(run, "deny", "carol@example.com")
		return r.must(run, "ended", access.Released)
	}),
	"not_reviewed": recordGrant(func(r *roles) client.WorkflowRun {
		return r.must(r.startGrant("", r.glass("")), "ended", access.Released)
	}),
	"expired_before_review": recordGrant(func(r *roles) client.WorkflowRun {
		return r.must(r.startGrant("", r.glass("1s")), "expired", access.Released)
	}),
}

func (r *roles) reviewed(run client.WorkflowRun) client.WorkflowRun {
	r.t.Helper()
	r.untilRequest(run, reviewing)
	r.says(run, "approve", "carol@example.com")
	return run
}

func breakable(t *testing.T) []string {
	t.Helper()
	return recordPolicy(t, glassPolicy+"10s\n      reviewers: {need: 1, from: [leads]}\n")
}

// Revokes that wait for people.
var askedRevokeScenarios = map[string]func(*stack) string{
	"approved": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.askedRevoke()
		r.says(run, "approve", "carol@example.com")
		return r.must(run, "revoked", access.Removed)
	}),
	"denied": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.askedRevoke()
		r.says(run, "deny", "carol@example.com")
		return r.must(run, "denied", "")
	}),
	"timed_out": recordGrant(func(r *roles) client.WorkflowRun { return r.must(r.askedRevoke(), "timedOut", "") }),
}

func (r *roles) askedRevoke() client.WorkflowRun {
	r.t.Helper()
	r.byHand(r.viewer, r.wanted)
	run := r.startRevoke("", r.wanted)
	r.untilRequest(run, asks)
	return run
}

func askedToRevoke(t *testing.T) []string {
	t.Helper()
	return recordPolicy(t, `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: ask, for: [revoke], decideWithin: 8s, approvals: [{need: 1, from: [leads]}]}]
`)
}

// New users, about whom people are asked.
var askedUserScenarios = map[string]func(*stack) string{
	"approved": recordAccount(func(a *accounts) client.WorkflowRun {
		run := a.askedUser()
		a.says(run, "approve", "carol@example.com")
		return a.must(run, "provisioned", access.Created)
	}),
	"denied": recordAccount(func(a *accounts) client.WorkflowRun {
		run := a.askedUser()
		a.says(run, "deny", "carol@example.com")
		return a.must(run, "denied", "")
	}),
}

func (a *accounts) askedUser() client.WorkflowRun {
	a.t.Helper()
	run := a.startUser("new")
	a.untilRequest(run, asks)
	return run
}

// Delegations on their own.
var delegateScenarios = map[string]func(*stack) string{
	"delegated": recordGrant(func(r *roles) client.WorkflowRun {
		return r.start(wire.DelegateID(r.t.Name()), wire.DelegateType, wire.DelegationInput{
			By: "carol@example.com", To: "dave@example.com", Duration: access.Duration(time.Hour),
		})
	}),
	"refused_nothing_to_take_back": recordGrant(func(r *roles) client.WorkflowRun {
		return r.start(wire.DelegateID(r.t.Name()), wire.DelegateType, wire.DelegationInput{
			By: "carol@example.com", To: "dave@example.com", Until: time.Now().Add(-time.Hour),
		})
	}),
}

func askedOfOneLead(t *testing.T) []string {
	t.Helper()
	return recordPolicy(t, oneLead)
}

// recordPolicy is a file with a policy, and the variable that names it.
func recordPolicy(t *testing.T, text string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return []string{"POLICY_FILE=" + file}
}
