package accounts

import (
	"context"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
)

// Rotation implements [Proofs]. What counts is the plan in the ledger: it names the recipient that was signed for.
func (e Engine) Rotation(ctx context.Context, id, recipient string) (*access.Proof, error) {
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
		of := r.Plan.Plan.Rotation
		if found && of != nil && of.Recipient == recipient && proof.Outcome == access.Rotated {
			return &proof, nil
		}
	}
	return nil, nil
}
