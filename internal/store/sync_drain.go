package store

import (
	"context"
	"database/sql"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// StartDrain begins the drain of one collection, or resumes it if attempt (from 1) is the
// one under way, and returns how far it is. A higher attempt deletes what the earlier one
// received and starts at page 0, compared with what readers see now. A lower one is
// [ErrStale]. A snapshot that has ended is [ErrDecided].
func (s *Store) StartDrain(ctx context.Context, id string, c access.Collection, attempt int) (Drain, error) {
	var out Drain
	if attempt < 1 {
		return out, fmt.Errorf("start the drain of %s in snapshot %s with attempt %d: attempts count from 1",
			c, id, attempt)
	}
	err := s.writeOn(ctx, func(t *txn) error {
		var head collectionHead
		snap, d, err := s.lockDrain(ctx, t, id, c, lockExclusive, selectHead(id, c, &head))
		if err != nil {
			return err
		}
		if err := snap.checkOpen(); err != nil {
			return err
		}
		switch {
		case attempt < d.attempt:
			return errBehind(id, c, d.attempt, attempt)
		case attempt > d.attempt:
			if d, err = restartDrain(ctx, t, snap, d, attempt, head.version); err != nil {
				return err
			}
		}
		out = d.drain()
		return nil
	})
	s.pages.forget(id, c) // if another process saved one of these pages anew, that one counts
	return out, err
}

// restartDrain begins a drain from page 0, compared with version base of the collection.
// If a promotion under way changes that version afterwards, the collection counts as moved
// and the drain restarts once more.
func restartDrain(
	ctx context.Context, t *txn, snap snapshotRow, d drainRow, attempt int, base int64,
) (drainRow, error) {
	var statements []statement
	if d.attempt > 0 {
		statements = clearDrain(snap.console, snap.seq, d.collection)
	}
	err := t.execBatch(ctx, append(statements, statement{
		purpose: "start the drain",
		sql: `UPDATE drains SET attempt = $1, base_version = $2, pages = 0, received = 0, next_cursor = '',
		        last_saved = 0, first_total = NULL, last_total = NULL, totals_moved = 0, unassigned = 0, requests = 0,
		        members = '{}', unchanged_rows = NULL, pending_rows = NULL
		 WHERE snapshot_seq = $3 AND collection = $4`,
		args: []any{attempt, base, snap.seq, string(d.collection)},
	})...)
	return drainRow{collection: d.collection, attempt: attempt, base: base}, err
}

// SavePage stores a page and the cursor of the next one in one transaction, and clears the
// note of the collection. It is [ErrStale] unless the page is exactly the next one of the
// attempt under way: [Store.StartDrain] returns the page to continue with. A snapshot that
// has ended is [ErrDecided].
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
		snap, d, err := s.lockOpenDrain(ctx, t, in.Snapshot, in.Collection, in.Attempt, lockForSave,
			selectRoleCounts(in.Snapshot, in.Collection, &members))
		if err != nil {
			return err
		}
		if in.Page != d.pages || d.lastSaved {
			return fmt.Errorf("save page %d of %s in snapshot %s: the next page is %d (last page saved: %t): %w",
				in.Page, in.Collection, in.Snapshot, d.pages, d.lastSaved, ErrStale)
		}
		if members, err = addPageCounts(members, in.Entities); err != nil {
			return err
		}
		return t.execBatch(ctx, statement{
			purpose: "save the page",
			sql: `INSERT INTO saved_pages (snapshot_seq, collection, attempt, page, body)
			        VALUES ($1, $2, $3, $4, $5)`,
			args: []any{snap.seq, string(in.Collection), in.Attempt, in.Page, body},
		}, advanceDrain(snap, d, in, members))
	})
	if err == nil {
		s.pages.put(pageKey{in.Snapshot, in.Collection, in.Attempt, in.Page}, rows)
	}
	return err
}

// advanceDrain records that a page is saved: counts, cursor and totals.
func advanceDrain(snap snapshotRow, d drainRow, in SavePageInput, members string) statement {
	if in.Total != nil {
		total := sql.NullInt64{Int64: int64(*in.Total), Valid: true}
		d.totalsMoved = d.totalsMoved || d.lastTotal.Valid && d.lastTotal != total
		d.lastTotal = total
		if !d.firstTotal.Valid {
			d.firstTotal = total
		}
	}
	return statement{
		purpose: "advance the drain",
		sql: `UPDATE drains SET pages = pages + 1, received = received + $1, next_cursor = $2, last_saved = $3,
		        first_total = $4, last_total = $5, totals_moved = $6, requests = requests + $7,
		        unassigned = unassigned + $8, members = $9, note = ''
		 WHERE snapshot_seq = $10 AND collection = $11`,
		args: []any{
			len(in.Entities), in.Cursor, boolToInt(in.Last), d.firstTotal, d.lastTotal, boolToInt(d.totalsMoved),
			in.Requests, in.Unassigned, members, snap.seq, string(in.Collection),
		},
	}
}

// Drained sums up a drain whose last page is saved and loaded, and stores its counts;
// before that it is an error. Once it returns, the counts and all pages are on disk. It is
// [ErrStale] if another attempt is under way and [ErrNoSnapshot] if the snapshot is unknown.
func (s *Store) Drained(ctx context.Context, id string, c access.Collection, attempt int) (DrainSummary, error) {
	var out DrainSummary
	err := s.writeOnDurably(ctx, func(t *txn) error {
		snap, d, covered := snapshotRow{id: id}, drainRow{}, false
		var proven collectionHead
		err := t.execBatch(ctx,
			statement{purpose: "read the snapshot", sql: snapshotByID, args: []any{id}, scan: snap.scan},
			selectDrain(id, c, &d, &covered), selectHead(id, c, &proven))
		switch {
		case err != nil:
			return err
		case !covered:
			return errNotCovered(id, c)
		case d.attempt != attempt:
			return errBehind(id, c, d.attempt, attempt)
		case !d.complete():
			return errNotDrained(id, d)
		}
		out = DrainSummary{
			Pages: d.pages, Rows: d.received, Requests: d.requests, Unassigned: d.unassigned,
			FirstTotal: intOrNil(d.firstTotal), LastTotal: intOrNil(d.lastTotal), TotalsMoved: d.totalsMoved,
			Stale: proven.seq > snap.seq,
		}
		out.Distinct, err = saveReceivedCounts(ctx, t.Tx, snap, d)
		return err
	})
	return out, err
}

// saveReceivedCounts counts the rows of a complete drain and stores the counts, once. It
// leaves a drain alone that has restarted meanwhile. It does not matter if a later sync has
// cleared the drain: [DrainSummary.Stale] then tells the caller to leave it out.
func saveReceivedCounts(ctx context.Context, tx *sql.Tx, snap snapshotRow, d drainRow) (distinct int, err error) {
	unchanged, pending, err := receivedCounts(ctx, tx, snap, d)
	if err != nil || d.unchanged.Valid {
		return unchanged + pending, err
	}
	_, err = exec(ctx, tx, "store the counts of received rows",
		`UPDATE drains SET unchanged_rows = $1, pending_rows = $2
		 WHERE snapshot_seq = $3 AND collection = $4 AND attempt = $5 AND unchanged_rows IS NULL`,
		unchanged, pending, snap.seq, string(d.collection), d.attempt)
	return unchanged + pending, err
}
