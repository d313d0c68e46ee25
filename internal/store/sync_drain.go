package store

import (
	"context"
	"database/sql"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// StartDrain begins the drain of one collection, or resumes it when attempt (from
// 1) is the one under way. A higher attempt deletes what the earlier one received
// and starts at page 0, against what readers see now. A lower one is [ErrStale].
func (s *Store) StartDrain(ctx context.Context, id string, c access.Collection, attempt int) (Drain, error) {
	var out Drain
	if attempt < 1 {
		return out, fmt.Errorf("attempt %d of %s: attempts count from 1", attempt, c)
	}
	err := s.writeOn(ctx, func(t *txn) error {
		var seen head
		snap, d, err := s.lockDrain(ctx, t, id, c, alone, readHead(id, c, &seen))
		if err != nil {
			return err
		}
		if err := snap.mustBeOpen(); err != nil {
			return err
		}
		switch {
		case attempt < d.attempt:
			return behind(id, c, d.attempt, attempt)
		case attempt > d.attempt:
			if d, err = restart(ctx, t, snap, d, attempt, seen.version); err != nil {
				return err
			}
		}
		out = d.drain()
		return nil
	})
	return out, err
}

// restart begins a drain anew, against the version of the collection that readers see. A
// promotion that is not through yet changes it afterwards, and the drain is then begun
// anew once more.
func restart(
	ctx context.Context, t *txn, snap snapshotRow, d drainRow, attempt int, base int64,
) (drainRow, error) {
	var steps []step
	if d.attempt > 0 {
		steps = wipe(snap.console, snap.seq, d.collection)
	}
	err := t.together(ctx, append(steps, step{
		what: "start the drain",
		query: `UPDATE drains SET attempt = $1, base_version = $2, pages = 0, received = 0, next_cursor = '',
		        last_saved = 0, first_total = NULL, last_total = NULL, totals_moved = 0, unassigned = 0, requests = 0,
		        members = '{}', seen_rows = NULL, pending_rows = NULL
		 WHERE snapshot_seq = $3 AND collection = $4`,
		args: []any{attempt, base, snap.seq, string(d.collection)},
	})...)
	return drainRow{collection: d.collection, attempt: attempt, base: base}, err
}

// SavePage keeps a page and the cursor of the next one, in one transaction, and
// clears the note of the collection. It is [ErrStale] unless the page is exactly the
// next one of the attempt under way: ask [Store.StartDrain] where to go on.
func (s *Store) SavePage(ctx context.Context, in SavePageInput) error {
	if err := checkPage(in.Collection, in.Entities); err != nil {
		return err
	}
	rows, err := encodeRows(in.Entities)
	if err != nil {
		return err
	}
	body, err := pageBody(rows)
	if err != nil {
		return err
	}
	err = s.writeOn(ctx, func(t *txn) error {
		var members string
		snap, d, err := s.holdDrain(ctx, t, in.Snapshot, in.Collection, in.Attempt, saving,
			readMembers(in.Snapshot, in.Collection, &members))
		if err != nil {
			return err
		}
		if in.Page != d.pages || d.lastSaved {
			return fmt.Errorf("%s of snapshot %s waits for page %d (last page saved: %t), this is %d: %w",
				in.Collection, in.Snapshot, d.pages, d.lastSaved, in.Page, ErrStale)
		}
		if members, err = addMembers(members, in.Entities); err != nil {
			return err
		}
		return t.together(ctx, step{
			what: "save the page",
			query: `INSERT INTO saved_pages (snapshot_seq, collection, attempt, page, body)
			        VALUES ($1, $2, $3, $4, $5)`,
			args: []any{snap.seq, string(in.Collection), in.Attempt, in.Page, body},
		}, advance(snap, d, in, members))
	})
	if err == nil {
		s.pages.put(pageKey{in.Snapshot, in.Collection, in.Attempt, in.Page}, rows)
	}
	return err
}

// advance moves the drain past a saved page.
func advance(snap snapshotRow, d drainRow, in SavePageInput, members string) step {
	if in.Total != nil {
		total := sql.NullInt64{Int64: int64(*in.Total), Valid: true}
		d.totalsMoved = d.totalsMoved || d.lastTotal.Valid && d.lastTotal != total
		d.lastTotal = total
		if !d.firstTotal.Valid {
			d.firstTotal = total
		}
	}
	return step{
		what: "move the cursor",
		query: `UPDATE drains SET pages = pages + 1, received = received + $1, next_cursor = $2, last_saved = $3,
		        first_total = $4, last_total = $5, totals_moved = $6, requests = requests + $7,
		        unassigned = unassigned + $8, members = $9, note = ''
		 WHERE snapshot_seq = $10 AND collection = $11`,
		args: []any{
			len(in.Entities), in.Cursor, flag(in.Last), d.firstTotal, d.lastTotal, flag(d.totalsMoved),
			in.Requests, in.Unassigned, members, snap.seq, string(in.Collection),
		},
	}
}

// Drained sums up a drain whose last page is saved and loaded, and notes what it came
// to; before that it is an error.
func (s *Store) Drained(ctx context.Context, id string, c access.Collection, attempt int) (DrainSummary, error) {
	var out DrainSummary
	err := s.writeOn(ctx, func(t *txn) error {
		snap, d, covered := snapshotRow{id: id}, drainRow{}, false
		var proven head
		err := t.together(ctx,
			step{what: "look at the snapshot", query: snapshotByID, args: []any{id}, read: snap.scan},
			readDrain(id, c, &d, &covered), readHead(id, c, &proven))
		switch {
		case err != nil:
			return err
		case !covered:
			return fmt.Errorf("snapshot %s does not cover %s: begin it with that collection", id, c)
		case d.attempt != attempt:
			return behind(id, c, d.attempt, attempt)
		case !d.complete():
			return incomplete(id, d)
		}
		out = DrainSummary{
			Pages: d.pages, Rows: d.received, Requests: d.requests, Unassigned: d.unassigned,
			FirstTotal: intOrNil(d.firstTotal), LastTotal: intOrNil(d.lastTotal), TotalsMoved: d.totalsMoved,
			Stale: proven.seq > snap.seq,
		}
		out.Distinct, err = noteReceived(ctx, t.Tx, snap, d)
		return err
	})
	return out, err
}

// noteReceived counts what a complete drain came to, once. A drain that has begun
// anew meanwhile is left alone, and one that a later sync has cleared may only be
// counted again by a sync that leaves it out.
func noteReceived(ctx context.Context, tx *sql.Tx, snap snapshotRow, d drainRow) (distinct int, err error) {
	seen, pending, err := came(ctx, tx, snap, d)
	if err != nil || d.seen.Valid {
		return seen + pending, err
	}
	_, err = exec(ctx, tx, "note what was received",
		`UPDATE drains SET seen_rows = $1, pending_rows = $2
		 WHERE snapshot_seq = $3 AND collection = $4 AND attempt = $5 AND seen_rows IS NULL`,
		seen, pending, snap.seq, string(d.collection), d.attempt)
	return seen + pending, err
}
