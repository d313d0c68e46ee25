package snapshot

import (
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/store"
)

// mostSyncs is how many syncs of the console one of ConductorOne waits for: a sync that ran already may have left out
// collections, or have begun too long ago.
const mostSyncs = 2

// fresh is the snapshot for a sync of ConductorOne that began at a time. If none is young enough, it has the worker
// sync, and waits for it.
func (s *Store) fresh(ctx context.Context, db *store.Store, began time.Time) (*store.Snapshot, error) {
	found, err := s.look(ctx, db, began)
	if err != nil || found != nil {
		return found, err
	}
	over := time.NewTimer(s.options.Wait)
	defer over.Stop()
	for range mostSyncs {
		run, err := s.options.Syncer.Sync(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s, and a new one failed: %w", s.describeAge(ctx, db), err)
		}
		if found, err := s.await(ctx, db, began, run, over.C); err != nil || found != nil {
			return found, err
		}
	}
	return nil, &StaleError{
		Age: s.describeAge(ctx, db),
		Why: "a new sync did not change that; raise --max-age, and see `starter status`",
	}
}

// await looks for a snapshot until there is one or the run has ended; the snapshot is nil in the second case.
func (s *Store) await(
	ctx context.Context, db *store.Store, began time.Time, run Run, over <-chan time.Time,
) (*store.Snapshot, error) {
	every := time.NewTicker(s.options.Poll)
	defer every.Stop()
	for {
		ended, failure := run.Check(ctx)
		if found, err := s.look(ctx, db, began); err != nil || found != nil {
			return found, err
		}
		switch {
		case failure != nil:
			return nil, &StaleError{Age: s.describeAge(ctx, db), Why: failure.Error()}
		case ended:
			return nil, nil
		}
		select {
		case <-every.C:
		case <-over:
			return nil, &StaleError{Age: s.describeAge(ctx, db), Why: s.stillRuns(ctx, run)}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Store) stillRuns(ctx context.Context, run Run) string {
	why := "a new sync is not complete after " + shortDuration(s.options.Wait)
	if waiting := run.Waiting(ctx); waiting != "" {
		why += " (" + waiting + ")"
	}
	return why + "; see `starter status`, then sync again, or raise --sync-wait"
}

// look is choose, but for a console of which a sync is quarantined.
func (s *Store) look(ctx context.Context, db *store.Store, began time.Time) (*store.Snapshot, error) {
	if err := s.requireDecided(ctx, db); err != nil {
		return nil, err
	}
	return s.choose(ctx, db, began)
}
