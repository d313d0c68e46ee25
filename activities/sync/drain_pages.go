package sync

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
)

var errStopping = errors.New("the worker is stopping: another worker resumes after the last saved page")

// fetch asks for page after page and saves each before it asks for the next.
func (d *drain) fetch(ctx context.Context, state store.Drain, arrived chan<- struct{}) error {
	d.pages.Store(int64(state.Pages))
	d.rows.Store(int64(state.Rows))
	cursor, done := state.Cursor, state.LastSaved
	for number := state.Pages; !done; number++ {
		if attempt.IsStopping(ctx) {
			return kinds.New(kinds.Unavailable, errStopping)
		}
		got, err := d.size.read(cursor, func(o console.ListOptions) (page, error) {
			return d.sync.readPage(ctx, d.in.Collection, o)
		})
		if isRefusedCursor(err, cursor) || d.size.isRefused(err, cursor) {
			return &paginationAbortedError{
				fmt.Sprintf("the console no longer accepts the cursor of page %d: %v", number+1, err),
			}
		}
		if err != nil {
			return err
		}
		cursor, done = got.next, got.next == ""
		if err := d.save(ctx, number, got); err != nil {
			return err
		}
		signal(arrived)
		if err := paginationLoop(got.total, d.pages.Load(), d.rows.Load()); err != nil && !done {
			return err
		}
	}
	return nil
}

func (d *drain) save(ctx context.Context, number int, got page) error {
	err := d.sync.store.SavePage(ctx, store.SavePageInput{
		Snapshot: d.in.Snapshot, Collection: d.in.Collection, Attempt: d.in.Attempt,
		Page: number, Cursor: got.next, Last: got.next == "", Total: got.total,
		Requests: d.unsaved(), Entities: got.entities, Unassigned: got.unassigned,
	})
	if err != nil {
		return err
	}
	d.progressed.Store(true)
	d.pages.Add(1)
	d.rows.Add(int64(len(got.entities)))
	return nil
}

// load turns saved pages into rows until fetching has ended and none is left.
func (d *drain) load(ctx context.Context, arrived <-chan struct{}) error {
	for open := true; ; {
		more, err := d.sync.store.LoadPage(ctx, d.in.Snapshot, d.in.Collection, d.in.Attempt)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if !open {
			return nil
		}
		select {
		case _, open = <-arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func signal(arrived chan<- struct{}) {
	select {
	case arrived <- struct{}{}:
	default: // the loader has yet to look at the last one
	}
}
