package sync

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Promote promotes what someone confirmed, without the guard. Collections that
// another sync has overtaken meanwhile are left out: it has newer proof.
func (s *Activities) Promote(ctx context.Context, in wire.SyncPromoteInput) (wire.SyncSettleResult, error) {
	defer attempt.KeepAlive(ctx)()
	defer s.report(ctx)
	if err := s.checkSnapshot(ctx, in.Snapshot); err != nil {
		return wire.SyncSettleResult{}, err
	}
	if err := s.checkConfirmed(ctx, in.Snapshot); err != nil {
		return wire.SyncSettleResult{}, err
	}
	got, err := s.store.Assess(ctx, in.Snapshot)
	if err != nil {
		return s.resultOfDecided(ctx, in.Snapshot, in.By, in.Collections, err)
	}
	if lost := lostDrains(got, wire.SyncSettleInput{Collections: in.Collections}); len(lost) > 0 {
		return wire.SyncSettleResult{}, kinds.New(kinds.Conflict, fmt.Errorf("the database has lost what was "+
			"received of %v since the sync was quarantined, as after a restore: start the sync again", lost))
	}
	overtaken := append(got.Stale, got.Moved...)
	out := wire.SyncSettleResult{Warnings: staleWarnings(got.Stale), At: s.now().UTC()}
	for _, c := range got.Moved {
		out.Warnings = append(
			out.Warnings,
			fmt.Sprintf("%s are left out: another sync was promoted in the meantime", c),
		)
	}
	out, err = s.promote(ctx, in.Snapshot, in.By, without(in.Collections, overtaken), out)
	if err == nil {
		s.measureFeed(ctx, in.Snapshot, &out)
	}
	return s.withLedgerHead(ctx, out, err)
}

// withLedgerHead adds the head of the ledger, which leaves the database with the result.
func (s *Activities) withLedgerHead(
	ctx context.Context, out wire.SyncSettleResult, err error,
) (wire.SyncSettleResult, error) {
	if err == nil {
		s.explain(ctx, &out)
		out.LedgerHead, err = s.store.LedgerHead(ctx, s.console.Console())
	}
	return out, err
}

// explain holds what was promoted against the ledger. The sync does not depend on it: it is true, whatever
// explains it.
func (s *Activities) explain(ctx context.Context, out *wire.SyncSettleResult) {
	if s.drift == nil || out.State != wire.StatePromoted && out.State != wire.StateUnchanged {
		return
	}
	found, err := s.drift(ctx)
	if err != nil {
		attempt.Logger(ctx).Warn("Cannot tell what is drift: the next sync does", "error", err)
		out.Warnings = append(out.Warnings, "cannot tell what is drift: run `starter drift` later")
		return
	}
	out.Drift = map[string]int{}
	for _, k := range drift.Drifts() {
		out.Drift[string(k)] = found.Counts[k]
	}
	if found.Counts.Drift() > 0 {
		out.Warnings = append(out.Warnings, "drift: "+found.Counts.String()+": run `starter drift`")
	}
}

// promote fills out with what the store made of the snapshot.
func (s *Activities) promote(
	ctx context.Context, snapshot, by string, collections []access.Collection, out wire.SyncSettleResult,
) (wire.SyncSettleResult, error) {
	if len(collections) == 0 {
		return s.endStale(ctx, snapshot, by, out)
	}
	done, err := s.store.Promote(ctx, snapshot, store.PromoteInput{By: by, Collections: collections})
	if err != nil {
		return wire.SyncSettleResult{}, err
	}
	if len(done.Moved) > 0 {
		return retryCollections(done.Moved, "another sync was promoted meanwhile"), nil
	}
	out.State, out.Counts, out.Added, out.Removed = done.State, done.Counts, done.Added, done.Removed
	return out, nil
}

// endStale ends a snapshot of which nothing is left to promote: syncs begun later
// have proven all it covers. It changes nothing, so it is unchanged.
func (s *Activities) endStale(
	ctx context.Context,
	snapshot, by string,
	out wire.SyncSettleResult,
) (wire.SyncSettleResult, error) {
	err := s.store.Discard(ctx, snapshot, store.DiscardInput{
		By: by, Why: "syncs begun later were promoted first", State: store.StateFailed,
	})
	if err != nil {
		return wire.SyncSettleResult{}, err
	}
	latest, err := s.store.Latest(ctx, s.console.Console(), nil)
	if err != nil {
		return wire.SyncSettleResult{}, err
	}
	out.State, out.Counts, out.Added, out.Removed = store.StateUnchanged, latest.Counts, 0, 0
	return out, nil
}

// resultOfDecided answers for a snapshot that cannot be assessed because it is decided: by
// a run of the same activity that did not live to say so. What such a run warned
// of is lost. A snapshot that someone discarded stays an error.
func (s *Activities) resultOfDecided(
	ctx context.Context, snapshot, by string, collections []access.Collection, cause error,
) (wire.SyncSettleResult, error) {
	if !errors.Is(cause, store.ErrDecided) {
		return wire.SyncSettleResult{}, cause
	}
	progress, err := s.store.Progress(ctx, snapshot)
	if err != nil {
		return wire.SyncSettleResult{}, err
	}
	out := wire.SyncSettleResult{At: s.now().UTC()}
	if progress.State == store.StateFailed {
		out.Warnings = staleWarnings(collections)
		return s.endStale(ctx, snapshot, by, out)
	}
	return s.promote(ctx, snapshot, by, collections, out) // the store gives its first answer again
}

func staleWarnings(stale []access.Collection) []string {
	var out []string
	for _, c := range stale {
		out = append(out, fmt.Sprintf("%s are left out: a sync begun later was promoted first", c))
	}
	return out
}

// driftText is "2 overdue, 1 missing" for logs; "" where it is not known.
func driftText(counts map[string]int) string {
	if counts == nil {
		return ""
	}
	out := drift.Counts{}
	for k, n := range counts {
		out[drift.Kind(k)] = n
	}
	return out.String()
}
