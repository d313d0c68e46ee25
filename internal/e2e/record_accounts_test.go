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
	"provisioned": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startServiceUser("ci builds"), "provisioned", access.Created)
	}),
	"refused_name_taken": recordAccount(func(a *accountEnv) client.WorkflowRun {
		_, err := a.console.AddServiceUser(access.Principal{Name: "ci builds"})
		require.NoError(a.t, err)
		return a.requireEnd(a.startServiceUser("ci builds"), "refused", "")
	}),
}

var offboardScenarios = map[string]func(*stack) string{
	"deleted": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startOffboard("ana", a.user, nil), "offboarded", access.Deleted)
	}),
	"baseline": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.setRolesByHand(a.viewer, a.requested)
		return a.requireEnd(a.startOffboard("ana", a.user, &wire.Baseline{
			Role:  access.RoleSelector{ID: a.viewer.RoleID},
			Scope: access.ScopeSelector{Level: a.viewer.Level, ID: a.viewer.ScopeID},
		}), "offboarded", access.Applied)
	}),
}

func tokenDirSetting(t *testing.T) []string {
	t.Helper()
	return []string{"SERVICE_USER_TOKEN_DIR=" + filepath.Join(t.TempDir(), "tokens")}
}

func recordAccount(scenario func(*accountEnv) client.WorkflowRun) func(*stack) string {
	return func(s *stack) string { return scenario(&accountEnv{grantEnv: prepareGrantEnv(s.t, s)}).GetID() }
}

func recordUser(a *accountEnv) client.WorkflowRun {
	return a.requireEnd(a.startUser("carol"), "provisioned", access.Created)
}

func recordUserAgain(a *accountEnv) client.WorkflowRun {
	a.result(a.startUser("carol"))
	return a.requireEnd(a.start(wire.ProvisionID(a.t.Name()+"/again"), wire.ProvisionUserType,
		wire.ProvisionUserInput{
			Email: "carol@example.com", FullName: "carol", Role: access.RoleSelector{ID: a.requested.RoleID},
			Scope:     access.ScopeSelector{Level: a.requested.Level, ID: a.requested.ScopeID},
			Requester: "bob@example.com",
		}), "provisioned", access.AlreadyHeld)
}

func recordUserWithAnotherRole(a *accountEnv) client.WorkflowRun {
	return a.requireEnd(a.startUser("ana"), "refused", "") // she is there, as a viewer
}

func recordUserWaitedOut(a *accountEnv) client.WorkflowRun {
	a.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Method: "POST", Times: 2})
	return recordUser(a)
}

func recordUserCancelled(a *accountEnv) client.WorkflowRun {
	a.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Method: "POST"})
	run := a.startUser("carol")
	a.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateApplying })
	a.update(run, wire.CancelUpdate, wire.StopInput{By: "bob@example.com"})
	return a.requireEnd(run, "cancelled", access.NotApplied)
}

var approvalScenarios = map[string]func(*stack) string{
	"approved": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
	"denied": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "deny", "dave@example.com")
		return r.requireEnd(run, "denied", "")
	}),
	"timed_out": recordGrant(func(r *grantEnv) client.WorkflowRun { return r.requireEnd(r.startAwaitingApproval(), "timedOut", "") }),
	"asked_again": recordGrant(func(r *grantEnv) client.WorkflowRun {
		run := r.startAwaitingApproval()
		r.mustDecide(run, "approve", "carol@example.com")
		other := r.requested
		other.ScopeID = r.console.Truth().Sites[2].ID
		r.setRolesByHand(r.viewer, other)
		r.mustDecide(run, "approve", "dave@example.com")
		r.untilStatus(run, func(got wire.RequestStatus) bool {
			return isAwaitingApproval(got) && len(got.Plan.Before.Held) == 2
		})
		r.mustDecide(run, "approve", "carol@example.com")
		r.mustDecide(run, "approve", "dave@example.com")
		return r.requireEnd(run, "granted", access.Applied)
	}),
}

// impatient is a policy that gives people ten seconds, and reminds them.
func tenSecondPolicy(t *testing.T) []string {
	t.Helper()
	return policySettings(t, `
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

func (r *grantEnv) startAwaitingApproval() client.WorkflowRun {
	run := r.startGrant("", r.input(""))
	r.untilStatus(run, isAwaitingApproval)
	return run
}

func (r *grantEnv) mustDecide(run client.WorkflowRun, action, by string) {
	r.t.Helper()
	_, err := r.decide(run, action, by)
	require.NoError(r.t, err)
}
