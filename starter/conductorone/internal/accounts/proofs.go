package accounts

import (
	"context"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
)

// Rotation implements [Proofs]. What counts is the plan in the ledger: it names the service user that was approved, and
// the recipient that was signed for.
func (e Engine) Rotation(ctx context.Context, id, serviceUserID, recipient string) (*access.Proof, error) {
	db, err := e.Store(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := db.LedgerOf(ctx, e.Console, id)
	if err != nil {
		return nil, fmt.Errorf("cannot read what %s has done from the ledger: %w", id, err)
	}
	var runs []ledger.Run
	for _, entry := range entries {
		if run := ledger.RunOf(entry); run.ID != "" && !slices.Contains(runs, run) {
			runs = append(runs, run)
		}
	}
	for _, run := range slices.Backward(runs) {
		r, err := authority.RecordOf(entries, run)
		if err != nil {
			return nil, err
		}
		proof, found := r.ProofOf(access.ChangeKey(run.String(), access.OpRotate))
		if found && proof.Outcome == access.Rotated && rotates(r.Plan.Plan, serviceUserID, recipient) {
			return &proof, nil
		}
	}
	return nil, nil
}

// rotates reports whether a plan is to make a new token of the service user, for the recipient.
func rotates(p access.Plan, serviceUserID, recipient string) bool {
	return p.Rotation != nil && p.Rotation.Recipient == recipient &&
		p.Principal.Kind == access.ServiceUser && p.Principal.ID == serviceUserID
}
