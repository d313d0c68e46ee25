package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// drainRow is a row of drains.
type drainRow struct {
	collection  access.Collection
	attempt     int
	base        int64 // heads.version when the attempt began
	pages       int
	received    int
	cursor      string
	lastSaved   bool
	firstTotal  sql.NullInt64
	lastTotal   sql.NullInt64
	totalsMoved bool
	requests    int
	unassigned  int
	note        string
	seen        sql.NullInt64 // what it came to, once that is counted
	pending     sql.NullInt64
	waiting     int // saved pages that are not loaded; only from drains
}

const drainColumns = `d.collection, d.attempt, d.base_version, d.pages, d.received, d.next_cursor, d.last_saved <> 0,
	d.first_total, d.last_total, d.totals_moved <> 0, d.requests, d.unassigned, d.note, d.seen_rows, d.pending_rows`

func (r *drainRow) scan(row scanner, more ...any) error {
	return row.Scan(append([]any{
		&r.collection, &r.attempt, &r.base, &r.pages, &r.received, &r.cursor, &r.lastSaved,
		&r.firstTotal, &r.lastTotal, &r.totalsMoved, &r.requests, &r.unassigned, &r.note,
		&r.seen, &r.pending,
	}, more...)...)
}

// complete says whether everything up to the last page is in the tables.
func (r drainRow) complete() bool { return r.lastSaved && r.waiting == 0 }

func (r drainRow) drain() Drain {
	return Drain{
		Attempt: r.attempt, Pages: r.pages, Rows: r.received, Cursor: r.cursor, LastSaved: r.lastSaved,
		Requests: r.requests, FirstTotal: intOrNil(r.firstTotal), LastTotal: intOrNil(r.lastTotal),
		TotalsMoved: r.totalsMoved,
	}
}

// ofSnapshot chooses one drain by the snapshot's id, through the keys of both tables:
// planned as a join, it would read all drains there ever were.
const ofSnapshot = ` WHERE d.snapshot_seq = (SELECT s.seq FROM snapshots s WHERE s.id = $1) AND d.collection = $2`

// drainsAndWaiting selects drains with how many of their pages are not loaded.
const drainsAndWaiting = "SELECT " + drainColumns + `, (SELECT COUNT(*) FROM saved_pages p
	  WHERE p.snapshot_seq = d.snapshot_seq AND p.collection = d.collection AND p.attempt = d.attempt)
	FROM drains d`

// readDrain reads one drain, if the snapshot covers the collection.
func readDrain(id string, c access.Collection, into *drainRow, covered *bool) step {
	return step{
		what: "read the drain of " + string(c), query: drainsAndWaiting + ofSnapshot, args: []any{id, string(c)},
		read: func(row scanner) error {
			err := into.scan(row, &into.waiting)
			*covered = err == nil
			if errors.Is(err, sql.ErrNoRows) {
				err = nil
			}
			return err
		},
	}
}

// drains lists the drains of a snapshot by collection.
func drains(ctx context.Context, q queryer, seq int64) (map[access.Collection]drainRow, error) {
	out := map[access.Collection]drainRow{}
	err := each(ctx, q, "read the drains", drainsAndWaiting+" WHERE d.snapshot_seq = $1",
		[]any{seq}, func(rows *sql.Rows) error {
			var r drainRow
			err := r.scan(rows, &r.waiting)
			out[r.collection] = r
			return err
		})
	return out, err
}

// holdDrain locks the drain of a collection for the rest of the transaction, and
// checks that its snapshot is open and its attempt is the caller's. What else can be
// done without knowing more goes along.
func (s *Store) holdDrain(
	ctx context.Context, t *txn, id string, c access.Collection, attempt int, l lockMode, along ...step,
) (snapshotRow, drainRow, error) {
	snap, d, err := s.lockDrain(ctx, t, id, c, l, along...)
	if err != nil {
		return snap, d, err
	}
	if err := snap.mustBeOpen(); err != nil {
		return snap, d, err
	}
	if d.attempt != attempt {
		return snap, d, behind(id, c, d.attempt, attempt)
	}
	return snap, d, nil
}

func behind(id string, c access.Collection, current, attempt int) error {
	return fmt.Errorf("%s of snapshot %s is at attempt %d, this is %d: %w", c, id, current, attempt, ErrStale)
}

// lockDrain reads the snapshot after the drain: the wait for the lock may outlast a
// decision.
func (s *Store) lockDrain(
	ctx context.Context, t *txn, id string, c access.Collection, l lockMode, along ...step,
) (snapshotRow, drainRow, error) {
	snap, d, covered := snapshotRow{id: id}, drainRow{}, true
	err := t.together(ctx, append([]step{{
		what:  "lock the drain of " + string(c),
		query: "SELECT " + drainColumns + " FROM drains d" + ofSnapshot + s.d.lock("d", l),
		args:  []any{id, string(c)},
		read: func(row scanner) error {
			err := d.scan(row)
			if errors.Is(err, sql.ErrNoRows) {
				covered, err = false, nil
			}
			return err
		},
	}, {what: "look at the snapshot", query: snapshotByID, args: []any{id}, read: snap.scan}}, along...)...)
	if err == nil && !covered {
		err = fmt.Errorf("snapshot %s does not cover %s: begin it with that collection", id, c)
	}
	return snap, d, err
}

func incomplete(id string, d drainRow) error {
	return fmt.Errorf("%s of snapshot %s is not drained: %d pages saved, of which %d are not loaded, "+
		"last page saved: %t", d.collection, id, d.pages, d.waiting, d.lastSaved)
}

// lockDrains waits for pages being saved and loaded, and lets no more in.
func (s *Store) lockDrains(ctx context.Context, tx *sql.Tx, seq int64) error {
	if !s.d.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx,
		"SELECT 1 FROM drains d WHERE d.snapshot_seq = $1 ORDER BY d.collection"+s.d.lock("d", alone), seq)
	if err != nil {
		return fmt.Errorf("lock the drains: %w", err)
	}
	return nil
}
