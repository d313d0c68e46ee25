//go:build record

package e2e

import (
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

var userScenarios = map[string]scenario{
	"provisioned": recordAccount(recordUser),
	"already_held": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.result(a.startUser("carol"))
		run := a.start(wire.ProvisionID(a.t.Name()+"/again"), wire.ProvisionUserType, a.userInput("carol"))
		return a.requireEnd(run, "provisioned", access.AlreadyHeld)
	}),
	"planned": recordAccount(func(a *accountEnv) client.WorkflowRun {
		in := a.userInput("carol")
		in.DryRun = true
		run := a.start(wire.ProvisionID(a.t.Name()), wire.ProvisionUserType, in)
		return a.requireEnd(run, "planned", "")
	}),
	"refused_other_role": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startUser("ana"), "refused", "") // she holds Viewer
	}),
	"refused_at_create": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Method: "POST"})
		return a.requireEnd(a.startUser("carol"), "refused", access.NotApplied)
	}),
	"failed_unknown_role": recordAccount(func(a *accountEnv) client.WorkflowRun {
		in := a.userInput("carol")
		in.Role.ID = "1"
		run := a.start(wire.ProvisionID(a.t.Name()), wire.ProvisionUserType, in)
		require.Error(a.t, run.Get(a.ctx(), nil))
		return run
	}),
	"waited_out": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.badGatewayAtCreation(2)
		return recordUser(a)
	}),
	"cancelled": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.badGatewayAtCreation(0)
		run := a.startUser("carol")
		a.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateApplying })
		a.update(run, wire.CancelUpdate, stopByBob)
		return a.requireEnd(run, "cancelled", access.NotApplied)
	}),
}

func recordUser(a *accountEnv) client.WorkflowRun {
	return a.requireEnd(a.startUser("carol"), "provisioned", access.Created)
}

// badGatewayAtCreation has the console answer 502 to the creation of users: so many times,
// or always if that is 0.
func (a *accountEnv) badGatewayAtCreation(times int) {
	a.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Method: "POST", Times: times})
}

// userApprovalScenarios follow oneLeadShortPolicy.
var userApprovalScenarios = map[string]scenario{
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
	"timed_out": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startUserAwaitingApproval(), "timedOut", "")
	}),
	"cancelled_awaiting_approval": recordAccount(func(a *accountEnv) client.WorkflowRun {
		run := a.startUserAwaitingApproval()
		a.update(run, wire.CancelUpdate, stopByBob)
		return a.requireEnd(run, "cancelled", "")
	}),
}

func (a *accountEnv) startUserAwaitingApproval() client.WorkflowRun {
	a.t.Helper()
	run := a.startUser("new")
	a.untilStatus(run, isAwaitingApproval)
	return run
}

var serviceUserScenarios = map[string]scenario{
	"provisioned": recordAccount(recordServiceUser),
	"refused_name_taken": recordAccount(func(a *accountEnv) client.WorkflowRun {
		_, err := a.console.AddServiceUser(access.Principal{Name: "ci builds"})
		require.NoError(a.t, err)
		return a.requireEnd(a.startServiceUser("ci builds"), "refused", "")
	}),
	"waited_out": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.console.AddFault(consoletest.Fault{
			Name: consoletest.BadGateway, Path: "/service-users", Method: "POST", Times: 2,
		})
		return recordServiceUser(a)
	}),
	"token_generated_anew": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.console.AddFault(consoletest.Fault{
			Name: consoletest.CutAfter, Path: "/service-users", Method: "POST", Times: 1,
		})
		return recordServiceUser(a)
	}),
}

func recordServiceUser(a *accountEnv) client.WorkflowRun {
	return a.requireEnd(a.startServiceUser("ci builds"), "provisioned", access.Created)
}

var offboardScenarios = map[string]scenario{
	"deleted": recordAccount(recordOffboard),
	"baseline": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.setRolesByHand(a.viewer, a.requested)
		run := a.startOffboard("ana", a.user, &wire.Baseline{
			Role:  access.RoleSelector{ID: a.viewer.RoleID},
			Scope: access.ScopeSelector{Level: a.viewer.Level, ID: a.viewer.ScopeID},
		})
		return a.requireEnd(run, "offboarded", access.Applied)
	}),
	"planned": recordAccount(func(a *accountEnv) client.WorkflowRun {
		in := a.offboardInput(a.user, nil)
		in.DryRun = true
		return a.requireEnd(a.start(wire.OffboardID(a.t.Name()), wire.OffboardType, in), "planned", "")
	}),
	"refused_token_owner": recordAccount(func(a *accountEnv) client.WorkflowRun {
		kind, id := a.addTokenOwner()
		return a.requireEnd(a.startOffboard("own", access.Principal{Kind: kind, ID: id}, nil), "refused", "")
	}),
	"waited_out": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.console.AddFault(consoletest.Fault{
			Name: consoletest.BadGateway, Path: "/users/" + a.user.ID, Method: "DELETE", Times: 2,
		})
		return recordOffboard(a)
	}),
	"failed_unknown_principal": recordAccount(func(a *accountEnv) client.WorkflowRun {
		run := a.startOffboard("nobody", access.Principal{Kind: access.User, ID: "1"}, nil)
		require.Error(a.t, run.Get(a.ctx(), nil))
		return run
	}),
	"cancelled_while_planning": recordAccount(func(a *accountEnv) client.WorkflowRun {
		a.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users/" + a.user.ID})
		run := a.startOffboard("ana", a.user, nil)
		require.NoError(a.t, a.console.WaitForRequests(a.ctx(), 2, a.aboutUser))
		require.NoError(a.t, a.client.CancelWorkflow(a.ctx(), run.GetID(), ""))
		return a.requireEnd(run, "cancelled", "")
	}),
}

func recordOffboard(a *accountEnv) client.WorkflowRun {
	return a.requireEnd(a.startOffboard("ana", a.user, nil), "offboarded", access.Deleted)
}

// recordAccount records the request that a scenario about accounts returns.
func recordAccount(run func(*accountEnv) client.WorkflowRun) scenario {
	return recordRequest(func(r *grantEnv) client.WorkflowRun { return run(&accountEnv{grantEnv: r}) })
}
