package activities

import (
	"context"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/ledger"
)

// lateWindow is how long after it was sent a write without an answer is taken to have arrived, where the console shows
// exactly what it sent. It is longer than any proxy before a console keeps a request whose client has gone.
const lateWindow = 10 * time.Minute

// noticeLate finds out whether a write from before the last proof has arrived since: one that was cut off, so that the
// console never answered it, and whose list is exactly what the console shows now. It has replaced all that was
// proven meanwhile, which is no edit by hand: what is known stays, and the next write restores it.
func (w *changeAttempt) noticeLate(ctx context.Context, actual access.Read) error {
	if !w.known.Known || actual.Gone || actual.Holdings.Equal(w.known.Proven) {
		return nil
	}
	all, err := w.store.LedgerOfSubject(ctx, w.consoleName, w.principal.String(), 0)
	if err != nil {
		return err
	}
	recent := w.now().Add(-lateWindow)
	var before []ledger.Entry
	for _, e := range all {
		if e.Seq < w.provenAt && e.At.After(recent) {
			before = append(before, e)
		}
	}
	for _, key := range unprovenChanges(before) {
		writes, err := writesIn(before, key)
		if err != nil {
			return err
		}
		if isProven(all, key) { // by its last write, which was there
			writes = writes[:len(writes)-1]
		}
		for _, s := range writes {
			if !s.Step.Delete && !s.accepted() && !s.refused() && s.Step.After.Equal(actual.Holdings) {
				attempt.Logger(ctx).Warn("A write that was cut off has arrived late: what it replaced is restored",
					"change", key, "sent", s.Write.At)
				w.late, w.known.Proven = true, actual.Holdings.Normal()
				return nil
			}
		}
	}
	return nil
}

// isProven says whether a change has a proof among the entries.
func isProven(entries []ledger.Entry, key string) bool {
	return slices.ContainsFunc(entries, func(e ledger.Entry) bool {
		return e.Kind == ledger.KindProof && ledger.ChangeOf(e) == key
	})
}
