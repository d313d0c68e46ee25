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
// first receipt. A request whose access is on the console, or may still arrive there, gets none: it has
// to be released first.
func (r *Request) Close(ctx context.Context, in wire.CloseInput) (wire.CloseResult, error) {
	defer attempt.KeepAlive(ctx)()
	if _, err := r.runs.requestRun(ctx, in.Request); err != nil {
		return wire.CloseResult{}, err
	}
	if in.Releases {
		on, err := r.recordOf(ctx, in.Request)
		if err != nil {
			return wire.CloseResult{}, err
		}
		standing, err := r.isStanding(ctx, on, in.State)
		if err != nil || standing {
			return wire.CloseResult{Release: &on.Plan.Plan}, err
		}
	}
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
	on, err := r.recordOf(ctx, in.Request)
	if err != nil || on.Receipt != nil {
		return on.Receipt, err
	}
	if err := r.checkSettled(ctx, on); err != nil {
		return nil, err
	}
	out, err := r.receiptOf(in, on)
	if err != nil {
		return nil, err
	}
	if out.LedgerHead, err = r.store.LedgerHead(ctx, r.console.Console()); err != nil {
		return nil, fmt.Errorf("cannot put the head of the ledger into the receipt of %s: %w", in.Request.ID, err)
	}
	entries, err := r.store.Append(ctx, r.console.Console(), append(unplannedRequest(out, on, r.signers != nil),
		ledger.NewEntry{
			Request: in.Request.ID, Key: runOf(in.Request).ReceiptKey(), At: out.FinishedAt,
			Body: ledger.Receipt{Receipt: out.Seal()}, Unless: unless,
		})...)
	if err != nil {
		return nil, fmt.Errorf("cannot record the receipt of %s: %w", in.Request.ID, err)
	}
	kept, err := receiptIn(entries[len(entries)-1])
	if err == nil && kept != nil {
		attempt.Logger(ctx).Info("Request has ended", "state", kept.State, "outcome", string(kept.Outcome))
	}
	return kept, err
}

// cancelGrant settles whether a grant can still be cancelled while it is applied: once its
// receipt says that it was granted, the role stays. It returns that receipt, or nil. The ledger
// accepts only one of the receipt and the cancellation, even if another attempt still writes
// the other.
//
// A grant that the ledger proves was given is not cancelled. What the workflow has of that proof
// does not count: somebody may have completed the activity by hand.
func (r *Request) cancelGrant(ctx context.Context, in wire.ApplyInput) (*access.Receipt, error) {
	on, err := r.recordOf(ctx, in.Request)
	if err != nil {
		return nil, err
	}
	if _, given := on.Given(); given && in.Change.GrantProof != nil {
		return nil, nil
	}
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: in.Request.ID, Key: runOf(in.Request).CancelledKey(), At: r.now().UTC(),
		Body: ledger.Cancelled{Change: in.Change.Key}, Unless: runOf(in.Request).ReceiptKey(),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot record the cancellation of %s: %w", in.Request.ID, err)
	}
	return receiptIn(entries[0])
}
