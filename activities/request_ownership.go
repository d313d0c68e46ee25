package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// ownershipOf is whose the roles of the plan's principal are, as its last proof in the ledger
// says: which are leased, and what they replaced. Without such a proof, everything that the
// console shows is baseline.
func (r *Request) ownershipOf(ctx context.Context, plan access.Plan) (access.OwnershipState, error) {
	var unknown access.OwnershipState
	subject := ledger.Subject{Kind: plan.Principal.Kind, ID: plan.Principal.ID}.String()
	last, found, err := r.store.LastProofOf(ctx, plan.Console, subject)
	if err != nil || !found {
		return unknown, err
	}
	kept, err := ledger.DecodeAs[ledger.Proof](last)
	if err != nil || kept.Roles == nil { // the proof that the account was created
		return unknown, err
	}
	return kept.Roles.Next, nil
}

// rolesShown is what the console shows of the plan's principal, unless it still shows the roles
// from before our last write: then it is what that write has made of them.
func (r *Request) rolesShown(plan access.Plan, known access.OwnershipState) access.Holdings {
	if known.IsStaleRead(plan.Before, r.now(), visibilityDelay) {
		return known.Proven
	}
	return plan.Before
}
