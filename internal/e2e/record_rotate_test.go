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

// tokensAutoApproved is a policy under which tokens are rotated without an approval.
const tokensAutoApproved = "rules:\n  - {name: all, for: [grant, rotateToken], permanent: true, autoApprove: true}\n"

// rotateScenarios store tokens in the worker's folder: one for a recipient has another key in each recording.
var rotateScenarios = map[string]scenario{
	"rotated": recordAccount(recordRotation),
	"waited_out": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startRotation(consoletest.BadGateway, 2), wire.StateRotated, access.Rotated)
	}),
	"answer_lost": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startRotation(consoletest.CutAfter, 1), wire.StateRotated, access.Rotated)
	}),
	"refused_by_console": recordAccount(func(a *accountEnv) client.WorkflowRun {
		return a.requireEnd(a.startRotation(consoletest.Forbidden, 0), wire.StateRefused, access.NotApplied)
	}),
	"planned": recordAccount(func(a *accountEnv) client.WorkflowRun {
		in := a.rotateInput()
		in.DryRun = true
		return a.requireEnd(a.start(wire.RotateID(a.t.Name()), wire.RotateTokenType, in), wire.StatePlanned, "")
	}),
}

func recordRotation(a *accountEnv) client.WorkflowRun {
	return a.requireEnd(a.startRotation("", 0), wire.StateRotated, access.Rotated)
}

// startRotation starts a rotation whose first calls meet a fault, all of them with 0 times; "" for none.
func (a *accountEnv) startRotation(fault consoletest.FaultKind, times int) client.WorkflowRun {
	a.t.Helper()
	in := a.rotateInput()
	if fault != "" {
		a.console.AddFault(consoletest.Fault{
			Name: fault, Path: "/service-users/" + in.Principal.ID, Method: "POST", Times: times,
		})
	}
	return a.start(wire.RotateID(a.t.Name()), wire.RotateTokenType, in) // others run beside it
}

// rotateInput rotates the token of a service user that is made for it.
func (a *accountEnv) rotateInput() wire.RotateTokenInput {
	a.t.Helper()
	id, err := a.console.AddServiceUser(access.Principal{Name: "ci builds"})
	require.NoError(a.t, err)
	return wire.RotateTokenInput{
		Principal: access.PrincipalSelector{Kind: access.ServiceUser, ID: id},
		TokenLife: new(access.Duration(90 * 24 * time.Hour)), Requester: "bob@example.com",
	}
}
