package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// Close writes the receipt of a request into the ledger. Doing it again gives the
// first receipt.
func (r *Request) Close(ctx context.Context, in wire.CloseInput) (wire.CloseResult, error) {
	defer attempt.KeepAlive(ctx)()
	receipt, err := r.receipt(ctx, in)
	return wire.CloseResult{Receipt: receipt}, err
}

// receipt writes the receipt, or finds the one that is there.
func (r *Request) receipt(ctx context.Context, in wire.CloseInput) (access.Receipt, error) {
	kept, err := r.receiptUnless(ctx, in, "")
	if err != nil {
		return access.Receipt{}, err
	}
	return *kept, nil
}

// receiptUnless is nil if there is an entry of that key.
func (r *Request) receiptUnless(ctx context.Context, in wire.CloseInput, unless string) (*access.Receipt, error) {
	out := access.Receipt{
		Request: in.Request.ID, Run: in.Request.Run, Plan: in.Plan, State: in.State, Message: in.Message,
		Proofs: in.Proofs, Decisions: in.Decisions, Extensions: in.Extensions, RequestSignature: in.Signature,
		StartedAt: in.Request.StartedAt, FinishedAt: r.now().UTC(),
	}
	out.Signed = out.HowSigned()
	if n := len(in.Proofs); n > 0 {
		out.Outcome = in.Proofs[n-1].Outcome
	}
	entries, err := r.store.Append(ctx, r.console.Console(), append(unplannedRequest(in), ledger.NewEntry{
		Request: in.Request.ID, Key: runOf(in.Request).ReceiptKey(), At: out.FinishedAt,
		Body: ledger.Receipt{Receipt: out.Seal()}, Unless: unless,
	})...)
	if err != nil {
		return nil, fmt.Errorf("cannot record the receipt of %s: %w", in.Request.ID, err)
	}
	return receiptIn(entries[len(entries)-1])
}

// unplannedRequest is what was asked for of a request that ends before there is a plan, so that
// it stands in the list of requests as all others do: who asked and why, without a hash.
func unplannedRequest(in wire.CloseInput) []ledger.NewEntry {
	if in.Plan.Hash != "" {
		return nil
	}
	return []ledger.NewEntry{{
		Request: in.Request.ID, Key: runOf(in.Request).RequestKey(0), At: in.Request.StartedAt,
		Body: ledger.Request{Plan: in.Plan},
	}}
}

// receiptIn is nil if the entry is no receipt.
func receiptIn(e ledger.Entry) (*access.Receipt, error) {
	if e.Kind != ledger.KindReceipt {
		return nil, nil
	}
	kept, err := ledger.DecodeAs[ledger.Receipt](e)
	if err != nil {
		return nil, err
	}
	return &kept.Receipt, nil
}

// cancelGrant settles whether a grant that is called off while it is being given still can
// be: its receipt, once written, says that it was granted, and then the role stays. It
// returns that receipt, or nil. Of the two, the receipt and the entry that says it was
// called off, the ledger takes one, whoever is still at work on the other.
func (r *Request) cancelGrant(ctx context.Context, in wire.ApplyInput) (*access.Receipt, error) {
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: in.Request.ID, Key: runOf(in.Request).CancelledKey(), At: r.now().UTC(),
		Body: ledger.Cancelled{Change: in.Change.Key}, Unless: runOf(in.Request).ReceiptKey(),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot record the cancellation of %s: %w", in.Request.ID, err)
	}
	return receiptIn(entries[0])
}
