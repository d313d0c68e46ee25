package activities

import (
	"context"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// retireOld deletes the first service user, once the worker has read the console with the token of the second one.
// It is not given up: what keeps the first one from being deleted shows in the status of the request.
func (c *accountCreation) retireOld(ctx context.Context, d callAttempt) (wire.CreateResult, error) {
	fresh, err := c.byID(ctx, d.ID)
	if err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, fmt.Errorf("the token file holds the token of "+
			"service user %s, and the worker cannot read the console with it: service user %s is not retired: %w",
			d.ID, c.in.Plan.Principal.ID, err))
	}
	c.recordRead(fresh)
	if !fresh.Holdings().Equal(c.in.Plan.Before) {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, fmt.Errorf("someone has changed the roles of service "+
			"user %s, whose token the worker uses now: give it those of service user %s again, which is not retired "+
			"before", d.ID, c.in.Plan.Principal.ID))
	}
	if err := c.remove(ctx, c.in.Plan.Principal.ID); err != nil {
		return wire.CreateResult{}, kinds.New(kinds.Unavailable, fmt.Errorf("the worker uses service user %s now, and "+
			"service user %s cannot be deleted: %w; delete it in the console if that goes on",
			d.ID, c.in.Plan.Principal.ID, err))
	}
	left, err := c.abandoned(ctx, d.ID)
	if err != nil {
		return wire.CreateResult{}, err
	}
	for _, p := range left { // made by a call whose answer was lost, and that arrived late
		if err := c.remove(ctx, p.ID); err != nil {
			return wire.CreateResult{}, kinds.New(kinds.Unavailable, err)
		}
	}
	out := wire.CreateResult{Proof: c.proof(access.Rotated, fresh)}
	out.Proof.Before, out.Proof.Token = c.in.Plan.Before, d.TokenPlace
	out.Proof.Made = new(fresh.Ref())
	return c.recordProof(ctx, out)
}

// remove deletes a service user, and makes sure that it is gone. Unlike [accountCreation.deleteServiceUser], it leaves
// the sink for tokens of service users alone, where the worker's own token file may be.
func (c *accountCreation) remove(ctx context.Context, id string) error {
	found, err := c.byID(ctx, id)
	switch {
	case isNotFound(err) && !c.mayShowLate(id):
		c.recordRead()
		return nil
	case err != nil && !isNotFound(err):
		return c.retryable(err)
	}
	call := c.deleteCall(id)
	call.Write.Before = found.Holdings()
	return c.sendDelete(ctx, call)
}

// mayShowLate says whether reads may not show a service user yet that a call has made.
func (c *accountCreation) mayShowLate(id string) bool {
	return slices.ContainsFunc(c.calls, func(d callAttempt) bool {
		return d.Action == ledger.CreateAccount && d.ID == id && c.now().Before(d.visibleBy())
	})
}
