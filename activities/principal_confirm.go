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
	ctx = console.Urgent(ctx) // also what it restores
	if err := attempt.RequireConsole("change", in.Writer.Console, p.console.Console()); err != nil {
		return wire.ConfirmResult{}, err
	}
	w := p.attempt(wire.WriteInput{
		Writer: in.Writer,
		Change: wire.ChangeRequest{Key: in.Key, Request: in.Request, Change: access.Change{Op: opConfirm}},
	})
	seen, err := w.read(ctx)
	if err != nil {
		return wire.ConfirmResult{}, w.retryLater(ctx, err)
	}
	if err := w.loadOwnership(ctx); err != nil {
		return wire.ConfirmResult{}, w.retryLater(ctx, err)
	}
	ended, found, err := w.endedBy(ctx, in)
	if err == nil && found {
		if err = w.restore(ctx, p, ended, seen); err == nil {
			err = w.confirm(ctx, in, ended, seen)
		}
	}
	if err != nil {
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

// endedBy finds the proof of the change that a read is to confirm, if that has ended access. Who asks for the read may
// say anything: what it shows follows from the ledger.
func (w *changeAttempt) endedBy(ctx context.Context, in wire.ConfirmInput) (ended access.Proof, found bool, err error) {
	run := ledger.RunOfLease(path.Dir(in.Key))
	if in.Key == "" || run.Request != in.Request { // of a writer before 0.5
		return ended, false, nil
	}
	entries, err := w.store.LedgerOf(ctx, w.consoleName, in.Request)
	if err != nil {
		return ended, false, err
	}
	if w.record, err = authority.RecordOf(entries, run); err != nil {
		return ended, false, err
	}
	ended, found = w.record.Proofs[in.Key]
	return ended, found && endsAccess(ended.Op) && w.isAbout(entries, ledger.ProofKey(in.Key)), nil
}

// isAbout says whether the entry of that key is about the principal that was read: a read of somebody else confirms
// nothing. Entries of the first versions name no principal.
func (w *changeAttempt) isAbout(entries []ledger.Entry, key string) bool {
	return slices.ContainsFunc(entries, func(e ledger.Entry) bool {
		return e.Key == key && (e.Subject == "" || e.Subject == w.principal.String())
	})
}

// confirm records the read in the ledger.
func (w *changeAttempt) confirm(
	ctx context.Context, in wire.ConfirmInput, ended access.Proof, seen access.Read,
) error {
	removed := w.removed(ended)
	body := ledger.Confirmation{Read: seen.About(removed), Shown: slices.ContainsFunc(removed, seen.Holdings.Holds)}
	whole := removesPrincipal(ended)
	if whole {
		body.Shown = !seen.Gone
	}
	if body.Shown {
		_, drift := w.known.Absorb(seen.Holdings)
		body.Ours, body.Drift = !whole && slices.ContainsFunc(removed, w.known.Desired().Holds), drift
	}
	n := len(w.record.Confirmations[in.Key])
	if body.Shown && n >= maxConfirmations {
		return nil
	}
	return w.note(ctx, w.entry(ledger.ConfirmationKey(in.Key, n), body))
}

// opConfirm is the step in the list of steps that wait; it changes nothing.
const opConfirm access.Op = "confirm"
