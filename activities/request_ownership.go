package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// ownershipOf is whose the roles of the plan's principal are, as its last proof in the ledger
// has it. Without a proof, everything that the console shows is baseline.
func (r *Request) ownershipOf(ctx context.Context, plan access.Plan) (access.OwnershipState, error) {
	of := ledger.Subject{Kind: plan.Principal.Kind, ID: plan.Principal.ID}.String()
	last, found, err := r.store.LastProofOf(ctx, r.console.Console(), of)
	if err != nil || !found {
		return access.OwnershipState{}, err
	}
	return ownershipIn(last, of)
}

// ownershipIn is what a proof says of its principal from then on.
func ownershipIn(e ledger.Entry, subject string) (access.OwnershipState, error) {
	kept, err := ledger.DecodeAs[ledger.Proof](e)
	if err == nil && ledger.SubjectOf(kept) != subject {
		err = otherSubject(e, subject)
	}
	if err != nil || kept.Roles == nil { // an account that was created has no ownership yet
		return access.OwnershipState{}, err
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
