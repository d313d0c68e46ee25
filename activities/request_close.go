package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Close writes the receipt of a request into the ledger. Doing it again gives the
// first receipt.
func (r *Request) Close(ctx context.Context, in CloseInput) (CloseResult, error) {
	defer keepAlive(ctx, nothing)()
	receipt, err := r.receipt(ctx, in)
	return CloseResult{Receipt: receipt}, err
}

func (r *Request) receipt(ctx context.Context, in CloseInput) (access.Receipt, error) {
	out := access.Receipt{
		Request: in.Request.ID, Run: in.Request.Run, Plan: in.Plan, State: in.State, Message: in.Message,
		Proofs: in.Proofs, Signed: access.Unsigned, StartedAt: in.Request.StartedAt, FinishedAt: r.now().UTC(),
	}
	if n := len(in.Proofs); n > 0 {
		out.Outcome = in.Proofs[n-1].Outcome
	}
	entries, err := r.store.Append(ctx, r.console.Console(), store.NewLedgerEntry{
		Request: in.Request.ID, Kind: EntryReceipt, Key: in.Request.key(EntryReceipt),
		At: out.FinishedAt, Body: out.Seal(),
	})
	if err != nil {
		return access.Receipt{}, fmt.Errorf("write the receipt of %s: %w", in.Request.ID, err)
	}
	var kept access.Receipt
	if err := json.Unmarshal(entries[0].Body, &kept); err != nil {
		return access.Receipt{}, fmt.Errorf("read the receipt of %s: %w", in.Request.ID, err)
	}
	return kept, nil
}

// Kinds of ledger entries.
const (
	EntryRequest = store.LedgerRequest // what was asked and what it means: a plan
	EntryWrite   = "write"             // about to be sent to the console
	EntryAnswer  = "answer"            // what the console said to it
	EntryProof   = "proof"             // a change, settled by reading
	EntryReceipt = store.LedgerReceipt // the end of a request
)
