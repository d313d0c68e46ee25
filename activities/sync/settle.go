package sync

import (
	"context"
	"slices"
	"sync/atomic"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Settle decides about a snapshot: collections another sync overtook are walked
// again or left out, roles are held against the console's own member counts,
// losses against the guard, and what passes is promoted in one transaction.
func (s *Activities) Settle(ctx context.Context, in wire.SyncSettleInput) (wire.SyncSettleResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := s.checkSnapshot(ctx, in.Snapshot); err != nil {
		return wire.SyncSettleResult{}, err
	}
	var requests atomic.Int64
	ctx = console.WithRequestCounter(ctx, &requests)
	out, err := s.settle(ctx, in)
	if err == nil {
		s.measureFeed(ctx, in.Snapshot, &out)
	}
	out, err = s.withLedgerHead(ctx, out, err)
	out.Requests, out.At = int(requests.Load()), s.now().UTC()
	if err != nil {
		s.recordWait(ctx, in.Snapshot, "", err, out.Requests)
		return out, err
	}
	s.report(ctx)
	attempt.Logger(ctx).Info("Snapshot settled", "snapshot", in.Snapshot, "state", out.State,
		"added", out.Added, "removed", out.Removed, "drift", driftText(out.Drift),
		"database_seconds", s.store.Busy().Seconds())
	return out, nil
}

func (s *Activities) settle(ctx context.Context, in wire.SyncSettleInput) (wire.SyncSettleResult, error) {
	got, err := s.assess(ctx, in)
	if err != nil {
		return s.resultOfDecided(ctx, in.Snapshot, "", in.Collections, err)
	}
	in.Collections = without(in.Collections, got.Stale)
	if lost := lostDrains(got.Assessment, in); len(lost) > 0 {
		return retryCollections(lost, lostWhy), nil
	}
	if len(got.Moved) > 0 {
		return retryCollections(got.Moved, "another sync was promoted meanwhile"), nil
	}
	members := checkMembers(in, got)
	if len(members.again) > 0 {
		return recheck(members.again, members.warnings[0]), nil
	}
	if swapped := swappedRows(got.Assessment, in); len(swapped) > 0 {
		return recheck(swapped, ""), nil
	}
	out := wire.SyncSettleResult{
		Counts: got.Counts, Added: got.Added, Removed: got.Removed,
		Warnings: append(members.warnings, staleWarnings(got.Stale)...),
		Reasons:  slices.Concat(doubts(in), members.reasons, s.lossReasons(ctx, in.Snapshot, got.Assessment)),
	}
	if len(out.Reasons) > 0 {
		return s.quarantine(ctx, in, got.Assessment, out)
	}
	out, err = s.promote(ctx, in.Snapshot, "", in.Collections, out)
	if err == nil && out.State == wire.SettledAgain { // another sync was promoted since it was assessed
		return s.settle(ctx, in)
	}
	return out, err
}

// quarantine holds a snapshot back, unless another sync was promoted since it was
// assessed: then what it received may be cleared already, and looks like a loss.
func (s *Activities) quarantine(
	ctx context.Context, in wire.SyncSettleInput, assessed store.Assessment, out wire.SyncSettleResult,
) (wire.SyncSettleResult, error) {
	now, err := s.store.Assess(ctx, in.Snapshot)
	if err != nil {
		return s.resultOfDecided(ctx, in.Snapshot, "", in.Collections, err)
	}
	if !slices.Equal(now.Stale, assessed.Stale) || len(now.Moved) > 0 || len(lostDrains(now, in)) > 0 {
		return s.settle(ctx, in)
	}
	out.State = wire.SettledQuarantined
	if err := s.store.Quarantine(ctx, in.Snapshot, out.Reasons); err != nil {
		return out, err
	}
	s.notify(ctx, wire.Event{Type: wire.EventQuarantined, Snapshot: in.Snapshot})
	return out, nil
}

const lostWhy = "the database has lost what was received, as after a crash of its server"

// lostDrains lists the collections of which the store no longer has the drain that was proven: its
// server has crashed, or an older copy has taken its place. What is missing then is not gone from
// the console.
func lostDrains(got store.Assessment, in wire.SyncSettleInput) []access.Collection {
	var out []access.Collection
	for _, c := range in.Collections {
		attempt, complete := got.Drained[c]
		if !slices.Contains(got.Stale, c) && (!complete || attempt < in.Attempts[c]) {
			out = append(out, c)
		}
	}
	return out
}

func retryCollections(collections []access.Collection, why string) wire.SyncSettleResult {
	return wire.SyncSettleResult{State: wire.SettledAgain, Again: collections, Why: why}
}

// recheck asks for a second walk to be sure; without a reason nobody is warned.
func recheck(collections []access.Collection, why string) wire.SyncSettleResult {
	out := retryCollections(collections, why)
	out.Recheck = true
	return out
}

// swappedRows lists the collections of several pages in which rows appear and rows
// are gone. Where cursors stand for an offset, a row removed behind the reader and one
// added at the end hide a row missed, and the counts agree: what is gone must be gone
// in a second walk too.
func swappedRows(got store.Assessment, in wire.SyncSettleInput) []access.Collection {
	var out []access.Collection
	for _, l := range got.Losses {
		c, after := access.Collection(l.What), got.Counts[l.What]
		appeared := after - (l.Before - l.Gone)
		pages := slices.Contains(in.Collections, c) && after > console.PageLimit
		if !in.Rechecked && pages && l.Gone > 0 && appeared > 0 {
			out = append(out, c)
		}
	}
	return out
}

func doubts(in wire.SyncSettleInput) []string {
	var out []string
	for _, c := range in.Collections {
		if why := in.Doubts[c]; why != "" {
			out = append(out, "not proven complete: "+why)
		}
	}
	return out
}

func without(all, some []access.Collection) []access.Collection {
	return slices.DeleteFunc(slices.Clone(all), func(c access.Collection) bool { return slices.Contains(some, c) })
}
