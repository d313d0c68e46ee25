package workflows

// Revoke takes a role away from a principal at a scope, for good, and proves that it
// is gone. People start it with `starter revoke` or the temporal CLI. Leases on that
// role end with it. Once it is being applied it is carried through: it has no deadline
// and cannot be called off. Its id is revoke/<request> by custom. Versioning:
// auto-upgrade.

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// Revoke is the workflow of type [RevokeType].
func Revoke(ctx workflow.Context, in RevokeInput) (RequestResult, error) {
	if err := in.Validate(); err != nil {
		return RequestResult{}, invalid(err)
	}
	return takeAway(ctx, planInput(in.Spec(), in.Signed, in.DryRun), access.OpRevoke, StateRevoked)
}

// takeAway carries out a request that ends access, from its first message to its last.
func takeAway(ctx workflow.Context, asked activities.PlanInput, op access.Op, end string) (RequestResult, error) {
	c := newConsent(ctx, newRequest(ctx, asked))
	err := errors.Join(c.handleDecisions(ctx), workflow.SetQueryHandler(ctx, StatusQuery, c.answer))
	if err != nil {
		return RequestResult{}, err
	}
	return c.end(ctx, c.takeAway(ctx, op, end))
}

// takeAway goes from the plan to the receipt.
func (c *consent) takeAway(ctx workflow.Context, op access.Op, end string) error {
	for _, step := range []func(workflow.Context) error{c.makePlan, c.askPeople} {
		switch err := step(ctx); {
		case temporal.IsCanceledError(err):
			return c.close(ctx, StateCancelled, "called off in Temporal")
		case err != nil:
			return c.fail(ctx, err)
		case c.done():
			return nil
		}
	}
	c.enter(ctx, StateApplying, "")
	c.index(ctx, time.Time{})
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	return c.insist(open, c.changeOf(op, c.lease()), end)
}

// askPeople waits for the consent that the plan asks for; without it the request ends.
func (c *consent) askPeople(ctx workflow.Context) error {
	if err := c.ask(ctx, c.plan.Approval, func() bool { return false }); err != nil {
		return err
	}
	return c.closeUnlessApproved(ctx)
}

func (c *consent) answer() (RequestStatus, error) {
	out := c.status()
	out.Consent = c.consentStatus()
	return out, nil
}
