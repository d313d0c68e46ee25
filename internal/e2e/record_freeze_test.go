//go:build record

package e2e

import (
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

var freezeScenarios = map[string]scenario{
	"frozen": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.startFreeze("", wire.FreezeAction)
	}),
	"unfrozen": recordRequest(func(r *grantEnv) client.WorkflowRun {
		require.NoError(r.t, r.startFreeze("/first", wire.FreezeAction).Get(r.ctx(), nil))
		return r.startFreeze("", wire.UnfreezeAction)
	}),
	"refused_not_frozen": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startFreeze("", wire.UnfreezeAction)
		require.Error(r.t, run.Get(r.ctx(), nil))
		return run
	}),
	"failed_input": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startFreeze("", "thaw")
		require.Error(r.t, run.Get(r.ctx(), nil))
		return run
	}),
}

// startFreeze has Carol freeze giving access, or end that.
func (r *grantEnv) startFreeze(name, action string) client.WorkflowRun {
	r.t.Helper()
	return r.start(wire.FreezeID(r.t.Name()+name), wire.FreezeType, wire.FreezeInput{
		Action: action, By: "carol@example.com", Reason: "INC-7",
	})
}
