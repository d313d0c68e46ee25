//go:build record

package e2e

import (
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// extensionPolicy asks one lead, of extensions too, and gives little time to decide.
const extensionPolicy = `
groups: {leads: [carol@example.com]}
rules: [{name: all, approvals: [{need: 1, from: [leads]}], decideWithin: 4s}]
`

// extensionScenarios follow extensionPolicy.
var extensionScenarios = map[string]scenario{
	"extension_approved": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startExtending("3s")
		r.mustDecide(run, "approve", "carol@example.com")
		return r.requireEnd(run, "expired", access.Released)
	}),
	"extension_denied": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startExtending("3s")
		r.mustDecide(run, "deny", "carol@example.com")
		return r.requireEnd(run, "expired", access.Released)
	}),
	"extension_timed_out": recordRequest(func(r *grantEnv) client.WorkflowRun {
		return r.requireEnd(r.startExtending("8s"), "expired", access.Released)
	}),
	"extension_overtaken_by_the_end": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.startExtending("1h")
		r.update(run, wire.EndUpdate, stopByBob)
		return r.requireEnd(run, "ended", access.Released)
	}),
	"several_scopes": recordRequest(func(r *grantEnv) client.WorkflowRun {
		in := r.input("2s")
		in.Scopes, in.Scope = []access.ScopeSelector{in.Scope, {
			Level: access.SiteLevel, ID: r.world.AtSite("SOC", 2).ScopeID,
		}}, access.ScopeSelector{}
		run := r.startGrant("", in)
		r.untilStatus(run, isAwaitingApproval)
		r.mustDecide(run, "approve", "carol@example.com")
		return r.requireEnd(run, "expired", access.Released)
	}),
}

// startExtending is a grant that is in force, and that somebody wants to extend.
func (r *grantEnv) startExtending(duration string) client.WorkflowRun {
	r.t.Helper()
	run := r.startGrant("", r.input(duration))
	r.untilStatus(run, isAwaitingApproval)
	r.mustDecide(run, "approve", "carol@example.com")
	r.untilStatus(run, isActive)
	answer := r.update(run, wire.ExtendUpdate, wire.ExtendInput{
		By: stopByBob.By, Duration: access.Duration(2 * time.Second),
	})
	require.True(r.t, answer.Pending)
	return run
}
