package workflows

// Revoke takes a role away from a principal at a scope, for good, and proves that it
// is gone. People start it with `starter revoke` or the temporal CLI. Leases on that
// role end with it. Once it is being applied it is carried through: it has no deadline
// and cannot be called off. Its id is revoke/<request> by custom. Versioning:
// auto-upgrade.

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
)

// Revoke is the workflow of type [RevokeType].
func Revoke(ctx workflow.Context, in RevokeInput) (RequestResult, error) {
	if err := in.Validate(); err != nil {
		return RequestResult{}, invalid(err)
	}
	r := newRequest(ctx, in.planInput())
	err := workflow.SetQueryHandler(ctx, StatusQuery, func() (RequestStatus, error) { return r.status(), nil })
	if err != nil {
		return RequestResult{}, err
	}
	if err := r.takeAway(ctx, access.OpRevoke, StateRevoked); err != nil {
		return RequestResult{}, err // as it is: anything around it would hide its type from Temporal
	}
	return *r.result, nil
}

// takeAway goes from the plan to the receipt.
func (r *request) takeAway(ctx workflow.Context, op access.Op, end string) error {
	switch err := r.makePlan(ctx); {
	case temporal.IsCanceledError(err):
		return r.close(ctx, StateCancelled, "called off in Temporal")
	case err != nil:
		return r.fail(ctx, err)
	case r.done():
		return nil
	}
	r.enter(ctx, StateApplying, "")
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	return r.insist(open, r.changeOf(op, r.lease()), end)
}
