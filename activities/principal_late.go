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

// sendingWindow is longer than from the record of a write to its answer: an attempt, which may wait for the rate budget
// that long, and the difference of two workers' clocks.
const sendingWindow = 15 * time.Minute

// cutOffBefore are the writes from before the last proof that the console never answered and that may still arrive.
// The last write before the proof of a change is none of them: it was there.
func (w *changeAttempt) cutOffBefore(ctx context.Context) ([]sentWrite, error) {
	recent := w.now().Add(-lateWindow)
	all, err := w.store.RecentLedgerOfSubject(ctx, w.consoleName, w.principal.String(), recent.Add(-sendingWindow))
	if err != nil {
		return nil, err
	}
	before, err := genuine(ctx, w.store, slices.DeleteFunc(slices.Clone(all), func(e ledger.Entry) bool {
		return e.Seq >= w.provenAt
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
		}
		there := lastBefore(writes, provenBy(all, key))
		for i, s := range writes {
			if i != there && !s.Step.Delete && !s.accepted() && !s.refused() && s.sentBy().After(recent) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// lastBefore is the position of the last write before an entry of the ledger; -1 for none.
func lastBefore(writes []sentWrite, seq int64) int {
	last := -1
	for i, s := range writes {
		if s.seq < seq {
			last = i
		}
	}
	return last
}

// provenBy is the number of the proof of a change among the entries; 0 if there is none.
func provenBy(entries []ledger.Entry, key string) int64 {
	for _, e := range entries {
		if e.Kind == ledger.KindProof && ledger.ChangeOf(e) == key {
			return e.Seq
		}
	}
	return 0
}
