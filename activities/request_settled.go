package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// checkSettled says why a request cannot end yet: a write of it without a proof is on the console,
// or may still arrive there. Its access would stay, and the next change would take it for
// permanent. The error is temporary: a release settles it.
func (r *Request) checkSettled(ctx context.Context, on authority.Record) error {
	writes := on.Unsettled()
	if len(writes) == 0 {
		return nil
	}
	who := on.Plan.Plan.Principal
	p, err := r.console.Principal(ctx, who.Kind, who.ID)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return kinds.New(kinds.Unavailable,
			fmt.Errorf("cannot tell what became of a write of %s: %w", on.Run, err))
	}
	explained, err := r.isExplained(ctx, on)
	if err != nil || explained {
		return err
	}
	for i := range writes {
		w := &writes[i]
		if err := r.store.LoadLists(ctx, r.console.Console(), w); err != nil && !errors.Is(err, store.ErrNoList) {
			return err
		}
		arrived := access.Step{Before: w.Before, After: w.After}.Landed(p.Holdings())
		if arrived || r.now().Sub(w.At) < visibilityDelay {
			return errUnsettled
		}
	}
	return nil
}

// errUnsettled is why a request needs a release before it ends.
var errUnsettled = kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New(
	"the request cannot be closed: a write of it is on the console, or may still arrive, "+
		"and no proof says so: retrying until it is released")), time.Minute)

// isStanding says that a request that ends as that state has access on the console, or may have, which nothing has
// released: it was given and lost on the way, as by a reset, or its writer was lost while it gave it.
func (r *Request) isStanding(ctx context.Context, on authority.Record, state string) (bool, error) {
	gives := on.Plan.Plan.Op == access.OpGrant || on.Plan.Plan.Op == access.OpAcquire
	if on.Receipt != nil || !gives || on.Plan.Plan.Account != nil {
		return false, nil
	}
	if on.Unreleased() {
		return state != wire.StateGranted, nil
	}
	err := r.checkSettled(ctx, on)
	if errors.Is(err, errUnsettled) {
		return true, nil
	}
	return false, err
}

// isExplained says that the principal has the access of the request by other requests too.
func (r *Request) isExplained(ctx context.Context, on authority.Record) (bool, error) {
	known, err := r.ownershipOf(ctx, on.Plan.Plan)
	if err != nil {
		return false, err
	}
	for _, h := range on.Plan.Plan.Holdings() {
		byOther := slices.ContainsFunc(known.Leases, func(l access.Lease) bool {
			return !l.Lost && l.Holding == h && ledger.RunOfLease(l.First()) != on.Run
		})
		if !byOther && !known.Baseline.Holds(h) {
			return false, nil
		}
	}
	return true, nil
}
