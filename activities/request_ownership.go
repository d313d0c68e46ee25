package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// ownershipOf is whose the roles of the plan's principal are, as the ledger knows it.
func (r *Request) ownershipOf(ctx context.Context, plan access.Plan) (access.OwnershipState, error) {
	of := ledger.Subject{Kind: plan.Principal.Kind, ID: plan.Principal.ID}
	known, _, err := provenOwnership(ctx, r.store, r.console.Console(), of.String())
	return known, err
}

// provenOwnership is what the last proof in the ledger says of a principal, and the number
// of its entry. Without a proof, everything that the console shows is baseline.
func provenOwnership(
	ctx context.Context, s *store.Store, console, subject string,
) (known access.OwnershipState, seq int64, err error) {
	last, found, err := s.LastProofOf(ctx, console, subject)
	if err != nil || !found {
		return access.OwnershipState{}, 0, err
	}
	kept, err := ledger.DecodeAs[ledger.Proof](last)
	if err != nil || kept.Roles == nil { // an account that was created has no ownership yet
		return access.OwnershipState{}, last.Seq, err
	}
	return kept.Roles.Next, last.Seq, nil
}

// rolesShown is what the console shows of the plan's principal, unless it still shows the roles
// from before our last write: then it is what that write has made of them.
func (r *Request) rolesShown(plan access.Plan, known access.OwnershipState) access.Holdings {
	if known.IsStaleRead(plan.Before, r.now(), visibilityDelay) {
		return known.Proven
	}
	return plan.Before
}
