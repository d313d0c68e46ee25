package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// Decide writes a decision into the ledger, whether it counts or not. Doing it again
// gives the first answer.
func (r *Request) Decide(ctx context.Context, in wire.DecideInput) (wire.DecideResult, error) {
	defer attempt.KeepAlive(ctx)()
	run, err := r.runs.requestRun(ctx, in.Request)
	if err != nil {
		return wire.DecideResult{}, err
	}
	entry := ledger.Decision{Decision: in.Decision, Refusal: in.Refusal}
	entry.Decision.Signed = access.Unsigned
	if err := r.findDelegation(ctx, in, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	refusal := "" // by the workflow, unless a delegation answers it
	if entry.Refusal != "" {
		refusal = in.Refusal
	}
	key := run.DecisionKey(in.Decision, refusal)
	if err := r.checkSignature(ctx, in, key, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	if err := r.checkSoD(ctx, in, &entry); err != nil {
		return wire.DecideResult{}, err
	}
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: in.Request.ID, Key: ledger.DecisionEntryKey(key, in.Number), At: r.now().UTC(), Body: entry,
	})
	if err != nil {
		return wire.DecideResult{}, fmt.Errorf("cannot record the decision on %s: %w", in.Request.ID, err)
	}
	kept, err := ledger.DecodeAs[ledger.Decision](entries[0])
	if err != nil {
		return wire.DecideResult{}, err
	}
	d := kept.Decision
	return wire.DecideResult{
		Entry: entries[0].Seq, Signed: d.Signed, Refusal: kept.Refusal,
		OnBehalfOf: d.OnBehalfOf, Delegation: d.Delegation,
	}, nil
}
