package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/ksuid"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// beganAt is when a sync of ConductorOne began: its id says so, in whole seconds. It is the end of that second, for
// which it waits, so that what was promoted right before the sync counts for every process. It is now if the id does
// not say.
func (s *Store) beganAt(ctx context.Context, syncID string) (time.Time, error) {
	now := s.now()
	id, err := ksuid.Parse(syncID)
	if err != nil {
		return now, nil //nolint:nilerr // an id of another form does not say, which is no failure
	}
	end := id.Time().Add(time.Second - time.Microsecond)
	rest := end.Sub(now)
	if rest > time.Second { // of another clock
		return now, nil
	}
	if rest > 0 {
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return now, ctx.Err()
		}
	}
	return end, nil
}

// choose finds the snapshot for a sync that began at a time: the last one that was proven by then, unless it is too
// old, and else the first one after that that is not. So two processes find the same one, whenever they ask. It is nil
// if there is none yet.
func (s *Store) choose(ctx context.Context, db *store.Store, began time.Time) (*store.Snapshot, error) {
	last, err := db.Latest(ctx, s.console, &began)
	if err != nil && !errors.Is(err, store.ErrNoSnapshot) {
		return nil, err
	}
	next := &last
	if err != nil {
		next, err = db.ProvenAfter(ctx, s.console, began)
	}
	for ; next != nil && err == nil; next, err = db.ProvenAfter(ctx, s.console, next.PromotedAt) {
		if fresh, err := s.isFresh(ctx, db, *next, began); err != nil || fresh {
			return next, err
		}
	}
	return nil, err
}

// isFresh says whether each collection had been proven when a snapshot was promoted, by a full sync that is not too old
// for one of ConductorOne that began at a time. A delta sync does not make the rest younger.
func (s *Store) isFresh(ctx context.Context, db *store.Store, snap store.Snapshot, began time.Time) (bool, error) {
	oldest, unread, err := db.FullProvenance(ctx, s.console, &snap.PromotedAt, access.Collections()...)
	if err != nil {
		return false, err
	}
	return len(unread) == 0 && !oldest.StartedAt.Before(began.Add(-s.maxAge)), nil
}

// requireDecided fails if a sync is quarantined: what the last proven one says may be wrong by much.
func (s *Store) requireDecided(ctx context.Context, db *store.Store) error {
	held, err := db.Promotable(ctx, s.console)
	if err != nil || len(held) == 0 {
		return err
	}
	return &QuarantinedError{Console: s.console, Snapshots: held}
}

// describeAge says how old the last proven snapshot is, for people.
func (s *Store) describeAge(ctx context.Context, db *store.Store) string {
	oldest, unread, err := db.FullProvenance(ctx, s.console, nil, access.Collections()...)
	switch {
	case errors.Is(err, store.ErrNoSnapshot):
		return "no sync of " + s.console + " is proven yet"
	case err != nil:
		return "the age of the last sync of " + s.console + " is not known"
	case len(unread) > 0:
		return fmt.Sprintf("no sync of %s has proven its %s yet", s.console, joined(unread))
	}
	age := fmt.Sprintf("the last proven sync of %s is from %s", s.console, oldest.StartedAt.UTC().Format(time.RFC3339))
	if s.maxAge > 0 {
		age += ", more than " + shortDuration(s.maxAge) + " ago"
	}
	return age
}
