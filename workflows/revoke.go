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

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Revoke is the workflow of type [wire.RevokeType].
func Revoke(ctx workflow.Context, in wire.RevokeInput) (wire.RequestResult, error) {
	if err := in.Validate(); err != nil {
		return wire.RequestResult{}, invalid(err)
	}
	return takeAway(ctx, planInput(in.Spec(), in.Signed, in.DryRun), access.OpRevoke, wire.StateRevoked)
}

// takeAway carries out a request that ends access, from its first message to its last.
func takeAway(ctx workflow.Context, asked wire.PlanInput, op access.Op, end string) (wire.RequestResult, error) {
	c := newConsent(ctx, newRequest(ctx, asked))
	err := errors.Join(c.handleDecisions(ctx), workflow.SetQueryHandler(ctx, wire.StatusQuery, c.answer))
	if err != nil {
		return wire.RequestResult{}, err
	}
	return c.end(ctx, c.takeAway(ctx, op, end))
}

// takeAway goes from the plan to the receipt.
func (c *consent) takeAway(ctx workflow.Context, op access.Op, end string) error {
	for _, step := range []func(workflow.Context) error{c.makePlan, c.askPeople} {
		switch err := step(ctx); {
		case temporal.IsCanceledError(err):
			return c.close(ctx, wire.StateCancelled, "called off in Temporal")
		case err != nil:
			return c.fail(ctx, err)
		case c.done():
			return nil
		}
	}
	c.enter(ctx, wire.StateApplying, "")
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

func (c *consent) answer() (wire.RequestStatus, error) {
	out := c.status()
	out.Approval = c.consentStatus()
	return out, nil
}
