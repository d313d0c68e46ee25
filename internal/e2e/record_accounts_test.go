//go:build record

package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

var userScenarios = map[string]func(*stack) string{
	"provisioned":  recordAccount(recordUser),
	"already_held": recordAccount(recordUserAgain),
	"refused":      recordAccount(recordUserWithAnotherRole),
	"waited_out":   recordAccount(recordUserWaitedOut),
	"cancelled":    recordAccount(recordUserCancelled),
}

var serviceUserScenarios = map[string]func(*stack) string{
	"provisioned": recordAccount(func(a *accounts) client.WorkflowRun {
		return a.must(a.startServiceUser("ci builds"), "provisioned", access.Created)
	}),
	"refused_name_taken": recordAccount(func(a *accounts) client.WorkflowRun {
		_, err := a.console.AddServiceUser(access.Principal{Name: "ci builds"})
		require.NoError(a.t, err)
		return a.must(a.startServiceUser("ci builds"), "refused", "")
	}),
}

var offboardScenarios = map[string]func(*stack) string{
	"deleted": recordAccount(func(a *accounts) client.WorkflowRun {
		return a.must(a.startOffboard("ana", a.user, nil), "offboarded", access.Deleted)
	}),
	"baseline": recordAccount(func(a *accounts) client.WorkflowRun {
		a.byHand(a.viewer, a.wanted)
		return a.must(a.startOffboard("ana", a.user, &wire.Baseline{
			Role:  access.RoleSelector{ID: a.viewer.RoleID},
			Scope: access.ScopeSelector{Level: a.viewer.Level, ID: a.viewer.ScopeID},
		}), "offboarded", access.Applied)
	}),
}

func tokenFolder(t *testing.T) []string {
	t.Helper()
	return []string{"SERVICE_USER_TOKEN_DIR=" + filepath.Join(t.TempDir(), "tokens")}
}

func recordAccount(scenario func(*accounts) client.WorkflowRun) func(*stack) string {
	return func(s *stack) string { return scenario(&accounts{roles: prepareRoles(s.t, s)}).GetID() }
}

func recordUser(a *accounts) client.WorkflowRun {
	return a.must(a.startUser("carol"), "provisioned", access.Created)
}

func recordUserAgain(a *accounts) client.WorkflowRun {
	a.ended(a.startUser("carol"))
	return a.must(a.start(wire.ProvisionID(a.t.Name()+"/again"), wire.ProvisionUserType,
		wire.ProvisionUserInput{
			Email: "carol@example.com", FullName: "carol", Role: access.RoleSelector{ID: a.wanted.RoleID},
			Scope:     access.ScopeSelector{Level: a.wanted.Level, ID: a.wanted.ScopeID},
			Requester: "bob@example.com",
		}), "provisioned", access.AlreadyHeld)
}

func recordUserWithAnotherRole(a *accounts) client.WorkflowRun {
	return a.must(a.startUser("ana"), "refused", "") // she is there, as a viewer
}

func recordUserWaitedOut(a *accounts) client.WorkflowRun {
	a.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Method: "POST", Times: 2})
	return recordUser(a)
}

func recordUserCancelled(a *accounts) client.WorkflowRun {
	a.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Method: "POST"})
	run := a.startUser("carol")
	a.untilRequest(run, func(got wire.RequestStatus) bool { return got.State == wire.StateApplying })
	a.update(run, wire.CancelUpdate, wire.StopInput{By: "bob@example.com"})
	return a.must(run, "cancelled", access.NotApplied)
}

var consentScenarios = map[string]func(*stack) string{
	"approved": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.asked()
		r.says(run, "approve", "carol@example.com")
		r.says(run, "approve", "dave@example.com")
		return r.must(run, "granted", access.Applied)
	}),
	"denied": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.asked()
		r.says(run, "approve", "carol@example.com")
		r.says(run, "deny", "dave@example.com")
		return r.must(run, "denied", "")
	}),
	"timed_out": recordGrant(func(r *roles) client.WorkflowRun { return r.must(r.asked(), "timedOut", "") }),
	"asked_again": recordGrant(func(r *roles) client.WorkflowRun {
		run := r.asked()
		r.says(run, "approve", "carol@example.com")
		other := r.wanted
		other.ScopeID = r.console.Truth().Sites[2].ID
		r.byHand(r.viewer, other)
		r.says(run, "approve", "dave@example.com")
		r.untilRequest(run, func(got wire.RequestStatus) bool {
			return asks(got) && len(got.Plan.Before.Held) == 2
		})
		r.says(run, "approve", "carol@example.com")
		r.says(run, "approve", "dave@example.com")
		return r.must(run, "granted", access.Applied)
	}),
}

// impatient is a policy that gives people ten seconds, and reminds them.
func impatient(t *testing.T) []string {
	t.Helper()
	return recordPolicy(t, `
groups:
  leads: [carol@example.com, dave@example.com]
rules:
  - name: ask
    permanent: true
    decideWithin: 10s
    remindEvery: 4s
    approvals: [{need: 2, from: [leads]}]
`)
}

func (r *roles) asked() client.WorkflowRun {
	run := r.startGrant("", r.input(""))
	r.untilRequest(run, asks)
	return run
}

func (r *roles) says(run client.WorkflowRun, action, by string) {
	r.t.Helper()
	_, err := r.decide(run, action, by)
	require.NoError(r.t, err)
}
