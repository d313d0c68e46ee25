package activities

import (
	"context"
	"errors"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Apply has the one writer of a principal carry out a change, starting it where it is
// not running, and returns its proof; with Close, also the receipt. Repeating it is
// attaching to the same change.
//
// It waits for the answer for 40 seconds while the worker has slots for that (see waitingRoom), else for
// [wire.AnswerSoon]. A change that takes longer leaves the activity pending ([activity.ErrResultPending]), which holds
// no slot of the worker; the writer then has it attempted again (see [Request.Wake]), and so does the activity's own
// timeout, should that message be lost.
//
// Fails as the writer does: see [Principal.Write].
func (r *Request) Apply(ctx context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
	if err := r.runs.changeRun(ctx, in.Request, in.Change.Key, in.Change.Request); err != nil {
		return wire.ApplyResult{}, err
	}
	if kept, err := r.keptReceipt(ctx, in.Request); err != nil || kept != nil {
		return resultOfReceipt(kept), err
	}
	if in.Change.Change.Op == access.OpRelease {
		kept, err := r.cancelGrant(ctx, in)
		if err != nil || kept != nil {
			return resultOfReceipt(kept), err
		}
	}
	if err := r.recordExtension(ctx, in); err != nil {
		return wire.ApplyResult{}, err
	}
	answer, err := r.askWriter(ctx, in)
	if err != nil {
		return wire.ApplyResult{}, err
	}
	out := wire.ApplyResult{ChangeAnswer: answer}
	if in.Close == nil || answer.Proof.Outcome == access.PlanChanged {
		return out, nil
	}
	end := *in.Close
	end.Request = in.Request
	if answer.Refused() {
		end.State, end.Message = wire.StateRefused, answer.Message
	}
	unless := ""
	if in.Change.Change.Op == access.OpGrant {
		unless = runOf(in.Request).CancelledKey()
	}
	out.Receipt, err = r.receiptUnless(ctx, end, unless)
	if answer.Refused() && errors.Is(err, errUnsettled) { // an earlier attempt gave it: it is released, see Close
		return out, nil
	}
	return out, err
}

// resultOfReceipt is the result of a change of a request that has ended already.
func resultOfReceipt(kept *access.Receipt) wire.ApplyResult {
	out := wire.ApplyResult{Receipt: kept}
	if kept != nil && len(kept.Proofs) > 0 {
		out.Proof = kept.Proofs[len(kept.Proofs)-1]
	}
	return out
}
