package workflows

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// askPeople waits for the consent that the plan asks for; without it nothing is made.
// Whoever calls it off ends the waiting.
func (p *provisionRun) askPeople(ctx workflow.Context) error {
	err := p.consent.ask(ctx, p.plan.Approval, func() bool { return p.stopBy != "" })
	if err != nil || p.stopBy != "" {
		return err
	}
	if err := p.closeUnlessApproved(ctx); err != nil || p.done() {
		return err
	}
	return p.closeIfTokenEnded(ctx)
}

// closeIfTokenEnded ends a request that people have let wait for longer than the token
// of its service user was to live.
func (p *provisionRun) closeIfTokenEnded(ctx workflow.Context) error {
	if !p.plan.Approval.Required || p.plan.Account == nil {
		return nil
	}
	end := p.plan.Account.TokenExpiresAt
	if end.IsZero() || end.After(workflow.Now(ctx)) {
		return nil
	}
	return p.close(ctx, wire.StateRefused, "its token was to end at "+at(end)+
		", before it was approved: ask again, with a later end")
}
