package activities

import (
	"context"
	"path"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// Confirm looks at a principal once more, some time after access was taken away.
// Whatever the console says against it is waited out.
func (p *Principal) Confirm(ctx context.Context, in wire.ConfirmInput) (wire.ConfirmResult, error) {
	defer attempt.KeepAlive(ctx)()
	return p.readAgain(ctx, in)
}

// readAgain is [Principal.Confirm], also outside of Temporal: see [attempt.Outside].
func (p *Principal) readAgain(ctx context.Context, in wire.ConfirmInput) (wire.ConfirmResult, error) {
	if err := attempt.RequireConsole("change", in.Writer.Console, p.console.Console()); err != nil {
		return wire.ConfirmResult{}, err
	}
	w := p.attempt(wire.WriteInput{
		Writer: in.Writer,
		Change: wire.ChangeRequest{Key: in.Key, Request: in.Request, Change: access.Change{Op: opConfirm}},
	})
	seen, err := w.read(console.Urgent(ctx))
	if err != nil {
		return wire.ConfirmResult{}, w.retryLater(ctx, err)
	}
	if err := w.loadOwnership(ctx); err != nil {
		return wire.ConfirmResult{}, w.retryLater(ctx, err)
	}
	if err := w.confirm(ctx, in, seen); err != nil {
		return wire.ConfirmResult{}, w.retryLater(ctx, err)
	}
	if err := w.clearWait(ctx, w.request, w.op); err != nil {
		return wire.ConfirmResult{}, err
	}
	return w.confirmation(in, seen), nil
}

// confirmation is what the read means for the writer that asked for it.
func (w *changeAttempt) confirmation(in wire.ConfirmInput, seen access.Read) wire.ConfirmResult {
	_, drift := w.known.Absorb(seen.Holdings)
	if in.Absent == nil { // a writer of a version up to 0.5.0 looks for itself
		seen.Holdings = seen.Holdings.Listed()
		return wire.ConfirmResult{Read: seen, Drift: drift}
	}
	out := wire.ConfirmResult{
		Read: seen.About(in.Absent), Drift: drift, Judged: true,
		Shown: slices.ContainsFunc(in.Absent, seen.Holdings.Holds),
		Ours:  slices.ContainsFunc(in.Absent, w.known.Desired().Holds),
	}
	if in.Whole {
		out.Shown, out.Ours = !seen.Gone, false
	}
	return out
}

// maxConfirmations bounds how many reads the ledger keeps that show a removed principal
// again: that may go on for days.
const maxConfirmations = 25

// confirm records the read in the ledger, where the change has a proof that access has ended. What
// the read shows follows from the ledger: who asks for it may say anything.
func (w *changeAttempt) confirm(ctx context.Context, in wire.ConfirmInput, seen access.Read) error {
	run := ledger.RunOfLease(path.Dir(in.Key))
	if in.Key == "" || run.Request != in.Request { // of a writer before 0.5
		return nil
	}
	entries, err := w.store.LedgerOf(ctx, w.consoleName, in.Request)
	if err != nil {
		return err
	}
	record, err := authority.RecordOf(entries, run)
	if err != nil {
		return err
	}
	proof, proven := record.Proofs[in.Key]
	if !proven || !endsAccess(proof.Op) {
		return nil
	}
	plan := record.Plan.Plan
	removed := access.Change{Lease: access.Lease{Holding: plan.Holding()}}.WithScopes(plan).Absent(proof.Scopes)
	body := ledger.Confirmation{Read: seen.About(removed), Shown: slices.ContainsFunc(removed, seen.Holdings.Holds)}
	whole := proof.Op == access.OpDelete || proof.Outcome == access.Deleted
	if whole {
		body.Shown = !seen.Gone
	}
	if body.Shown {
		_, drift := w.known.Absorb(seen.Holdings)
		body.Ours, body.Drift = !whole && slices.ContainsFunc(removed, w.known.Desired().Holds), drift
	}
	n := len(record.Confirmations[in.Key])
	if body.Shown && n >= maxConfirmations {
		return nil
	}
	return w.note(ctx, w.entry(ledger.ConfirmationKey(in.Key, n), body))
}

// opConfirm is the step in the list of steps that wait; it changes nothing.
const opConfirm access.Op = "confirm"
