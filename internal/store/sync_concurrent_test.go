package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Two consoles sync at the same time and load all collections in parallel, while readers
// export: each export is exactly one of the two promoted states.
func TestSync_ConcurrentReadersSeeWholeSyncs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		before, after := manyPrincipals(1), manyPrincipals(2)
		consoles := []string{acme, "other.example.com"}
		for _, c := range consoles {
			syncOnce(t, s, c, "first of "+c, before)
		}
		syncing, ctx := errgroup.WithContext(t.Context())
		for _, c := range consoles {
			syncing.Go(func() error { return syncConcurrently(ctx, s, c, "second of "+c, after) })
		}
		done := make(chan struct{})
		reading, readCtx := errgroup.WithContext(t.Context())
		for _, c := range consoles {
			reading.Go(func() error { return watchExports(readCtx, s, c, done, expected(before), expected(after)) })
		}
		require.NoError(t, syncing.Wait())
		close(done)
		require.NoError(t, reading.Wait())
		for _, c := range consoles {
			require.Equal(t, expected(after), export(t, s, c, nil))
		}
	})
}

// manyPrincipals is the small world plus 200 users whose scopes depend on the version.
func manyPrincipals(version int) world {
	w := smallWorld()
	for n := range 200 {
		p := access.Principal{
			Kind: access.User, ID: fmt.Sprint(4000 + n), Name: fmt.Sprintf("User %d", n), Level: access.SiteLevel,
			Held: []access.HeldRole{{RoleID: "302", ScopeID: fmt.Sprint(200 + version + n%2)}},
		}
		w.principals[p.ID] = p
	}
	return w
}

func syncConcurrently(ctx context.Context, s *store.Store, console, id string, w world) error {
	if err := s.Begin(ctx, store.BeginInput{Console: console, ID: id, StartedAt: began}); err != nil {
		return err
	}
	draining, drainCtx := errgroup.WithContext(ctx)
	for _, c := range access.Collections() {
		draining.Go(func() error { return drainConcurrently(drainCtx, s, id, c, w) })
	}
	if err := draining.Wait(); err != nil {
		return err
	}
	p, err := s.Promote(ctx, id, store.PromoteInput{Collections: access.Collections()})
	if err == nil && p.State != store.StatePromoted {
		err = fmt.Errorf("%s ended as %+v", id, p)
	}
	return err
}

// drainConcurrently saves pages while two loaders turn them into rows.
func drainConcurrently(ctx context.Context, s *store.Store, id string, c access.Collection, w world) error {
	if _, err := s.StartDrain(ctx, id, c, 1); err != nil {
		return err
	}
	pages := slices.Collect(slices.Chunk(w.of(c), 20))
	loaders, loadCtx := errgroup.WithContext(ctx)
	saved := make(chan struct{}, len(pages))
	for range 2 {
		loaders.Go(func() error {
			for range saved {
				if _, err := s.LoadPage(loadCtx, id, c, 1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var err error
	for i, page := range pages {
		err = s.SavePage(ctx, store.SavePageInput{
			Snapshot: id, Collection: c, Attempt: 1, Page: i, Last: i == len(pages)-1, Entities: page,
		})
		if err != nil {
			break
		}
		saved <- struct{}{}
	}
	close(saved)
	if err := errors.Join(err, loaders.Wait()); err != nil {
		return err
	}
	for more := true; more; { // two loaders may have worked on the same page
		if more, err = s.LoadPage(ctx, id, c, 1); err != nil {
			return err
		}
	}
	return nil
}

func watchExports(ctx context.Context, s *store.Store, console string, done chan struct{}, allowed ...exported) error {
	for {
		var e exported
		if err := s.Export(ctx, console, nil, &e); err != nil {
			return err
		}
		if !slices.ContainsFunc(allowed, func(a exported) bool { return fmt.Sprint(a) == fmt.Sprint(e) }) {
			return fmt.Errorf("%s shows a state that was never promoted: %d assignments", console, len(e.Assignments))
		}
		select {
		case <-done:
			return nil
		default:
		}
	}
}
