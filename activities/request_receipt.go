package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// recordOf is what the ledger holds of a request's run.
func (r *Request) recordOf(ctx context.Context, of wire.RequestInfo) (authority.Record, error) {
	entries, err := r.store.LedgerOf(ctx, r.console.Console(), of.ID)
	if err != nil {
		return authority.Record{}, err
	}
	return authority.RecordOf(entries, runOf(of))
}

// receiptOf is the receipt of a run: what was planned, decided and done is the ledger's, and
// only the state and its message come from the workflow, as far as the ledger bears them
// out. Where it does not, the error is temporary: access that was given and not released has
// not ended, whatever a workflow says.
func (r *Request) receiptOf(in wire.CloseInput, on authority.Record) (access.Receipt, error) {
	out := access.Receipt{
		Request: in.Request.ID, Run: in.Request.Run, State: on.EndedAs(in.State), Message: in.Message,
		StartedAt: in.Request.StartedAt, FinishedAt: r.now().UTC(),
		Plan: access.Plan{Op: in.Plan.Op, Console: in.Plan.Console, Terms: in.Plan.Terms},
	}
	switch {
	case on.Requested():
		out.Plan, out.Proofs, out.Outcome = on.Plan.Plan, on.Evidence(), on.Outcome()
		out.Decisions, out.Extensions, out.RequestSignature = on.Counted(), on.Extended(), on.First.Verified()
		out.Stop, out.Facts = on.Stopped(), on.Plan.Facts
	case in.Plan.Hash != "":
		return access.Receipt{}, kinds.New(kinds.Invalid, fmt.Errorf("the ledger holds no plan of %s: "+
			"find out who started or completed its activities, and start the request again", runOf(in.Request)))
	}
	if out.Outcome == access.Unauthorized && in.State != wire.StateRefused { // somebody else tried in vain
		out.Outcome = ""
	}
	if why := on.Unsupported(out.State, out.FinishedAt); why != "" {
		return access.Receipt{}, kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New(
			"the request cannot be closed as "+out.State+": "+why)), time.Minute)
	}
	out = out.Shortened()
	out.Signed = out.HowSigned()
	out.SignedMeans = access.SignedMeans(out.Signed)
	return out, nil
}

// unplannedRequest is the plan of a request that ends before it is planned, so that the list of
// requests shows it like all others, with requester and reason, but without a hash.
func unplannedRequest(receipt access.Receipt, on authority.Record, signed bool) []ledger.NewEntry {
	if on.Requested() {
		return nil
	}
	return []ledger.NewEntry{{
		Request: receipt.Request, Key: ledger.Run{Request: receipt.Request, ID: receipt.Run}.RequestKey(0),
		At: receipt.StartedAt, Body: ledger.Request{Plan: receipt.Plan, SignaturesRequired: signed},
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

// keptReceipt is the receipt that the run has already; nil if it has none. A request that was
// reset after it had ended ends again as it did.
func (r *Request) keptReceipt(ctx context.Context, of wire.RequestInfo) (*access.Receipt, error) {
	on, err := r.recordOf(ctx, of)
	return on.Receipt, err
}
