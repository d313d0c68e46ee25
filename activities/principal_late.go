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
// proven meanwhile, which is no edit by hand: what is known stays, and the next write restores it. A console that is
// slow to show the last write looks the same, and so may somebody who takes roles away by hand: that stands.
func (w *changeAttempt) noticeLate(ctx context.Context, actual access.Read) error {
	switch now := actual.Holdings; {
	case !w.known.Known, actual.Gone, removesOnly(w.known.Proven, now),
		w.known.IsStaleRead(now, w.now(), visibilityDelay):
		return nil
	}
	sent, err := w.cutOffBefore(ctx)
	if err != nil {
		return err
	}
	for _, s := range sent {
		if s.Step.After.Equal(actual.Holdings) {
			attempt.Logger(ctx).Warn("A write that was cut off has arrived late: what it replaced is restored",
				"sent", s.Write.At)
			w.late, w.known.Proven = true, actual.Holdings.Normal()
			return nil
		}
	}
	return nil
}

// removesOnly says whether a person holds now what they held before, or less.
func removesOnly(before, now access.Holdings) bool {
	return now.Level == before.Level && !slices.ContainsFunc(now.Held, func(h access.HeldRole) bool {
		return !slices.Contains(before.Held, h)
	})
}

// cutOffBefore are the writes from before the last proof that the console never answered and that may still arrive.
// The last write of a proven change is none of them: it was there.
func (w *changeAttempt) cutOffBefore(ctx context.Context) ([]sentWrite, error) {
	all, err := w.store.LedgerOfSubject(ctx, w.consoleName, w.principal.String(), 0)
	if err != nil {
		return nil, err
	}
	recent := w.now().Add(-lateWindow)
	before, err := genuine(ctx, w.store, slices.DeleteFunc(slices.Clone(all), func(e ledger.Entry) bool {
		return e.Seq >= w.provenAt || !e.At.After(recent)
	}), w.endsAccess())
	if err != nil {
		return nil, err
	}
	var out []sentWrite
	for _, key := range unprovenChanges(before) {
		writes, err := writesIn(before, key)
		switch {
		case err != nil && w.endsAccess():
			attempt.Logger(ctx).Error("Writes of the ledger do not count", "change", key, "error", err)
			continue
		case err != nil:
			return nil, err
		case isProven(all, key):
			writes = writes[:len(writes)-1]
		}
		out = append(out, slices.DeleteFunc(writes, func(s sentWrite) bool {
			return s.Step.Delete || s.accepted() || s.refused()
		})...)
	}
	return out, nil
}

// isProven says whether a change has a proof among the entries.
func isProven(entries []ledger.Entry, key string) bool {
	return slices.ContainsFunc(entries, func(e ledger.Entry) bool {
		return e.Kind == ledger.KindProof && ledger.ChangeOf(e) == key
	})
}
