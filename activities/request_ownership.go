package activities

import (
	"context"
	"errors"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// ownershipOf is whose the roles of the plan's principal are, as its last proof in the ledger
// has it. Without a proof, everything that the console shows is baseline.
func (r *Request) ownershipOf(ctx context.Context, plan access.Plan) (access.OwnershipState, error) {
	of := ledger.Subject{Kind: plan.Principal.Kind, ID: plan.Principal.ID}.String()
	last, found, err := lastRoleProof(ctx, r.store, r.console.Console(), of)
	if err != nil || !found {
		return access.OwnershipState{}, err
	}
	known, err := ownershipIn(ctx, r.store, last, of)
	if errors.Is(err, store.ErrNoList) && endsAccess(plan.Op) {
		attempt.Logger(ctx).Error("Cannot tell the permanent roles of a principal", "principal", of, "error", err)
		return known.WithoutLists(), nil
	}
	return known, err
}

// lastRoleProof is the newest proof of a change of the principal's roles. The proof that its
// account was created may come later, where that attempt was held up: it knows nothing of leases.
func lastRoleProof(ctx context.Context, s *store.Store, console, subject string) (ledger.Entry, bool, error) {
	last, found, err := s.LastProofOf(ctx, console, subject)
	if err != nil || !found {
		return ledger.Entry{}, false, err
	}
	if ofRoles, err := isRoleProof(last); err != nil || ofRoles {
		return last, ofRoles, err
	}
	all, err := s.LedgerOfSubject(ctx, console, subject, 0)
	if err != nil {
		return ledger.Entry{}, false, err
	}
	for _, e := range slices.Backward(all) {
		if e.Kind != ledger.KindProof {
			continue
		}
		if ofRoles, err := isRoleProof(e); err != nil || ofRoles {
			return e, ofRoles, err
		}
	}
	return ledger.Entry{}, false, nil
}

func isRoleProof(e ledger.Entry) (bool, error) {
	proof, err := ledger.DecodeAs[ledger.Proof](e)
	return proof.Roles != nil, err
}

// ownershipIn is what a proof says of its principal from then on, with all lists of roles. Where
// one of them is gone, the error is [store.ErrNoList], and the state has the others.
func ownershipIn(
	ctx context.Context, s *store.Store, e ledger.Entry, subject string,
) (access.OwnershipState, error) {
	kept, err := ledger.DecodeAs[ledger.Proof](e)
	if err == nil && ledger.SubjectOf(kept) != subject {
		err = otherSubject(e, subject)
	}
	if err != nil || kept.Roles == nil { // an account that was created has no ownership yet
		return access.OwnershipState{}, err
	}
	next := kept.Roles.Next
	next.Lists(func(h *access.Holdings) { *h = h.Normal() }) // of an earlier version: long, and not left out
	return next, s.LoadLists(ctx, e.Console, &next)
}

// rolesShown is what the console shows of the plan's principal, unless it still shows the roles
// from before our last write: then it is what that write has made of them.
func (r *Request) rolesShown(plan access.Plan, known access.OwnershipState) access.Holdings {
	if known.IsStaleRead(plan.Before, r.now(), visibilityDelay) {
		return known.Proven
	}
	return plan.Before
}
