package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// drainRow is a row of the table drains.
type drainRow struct {
	collection  access.Collection
	attempt     int
	base        int64 // collection_heads.version when the attempt began
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
	unchanged   sql.NullInt64 // rows received unchanged; set once the drain is complete and counted
	pending     sql.NullInt64
	unloaded    int // saved pages that are not loaded; only set by selectDrain and allDrains
}

const drainColumns = `d.collection, d.attempt, d.base_version, d.pages, d.received, d.next_cursor, d.last_saved <> 0,
	d.first_total, d.last_total, d.totals_moved <> 0, d.requests, d.unassigned, d.note,
	d.unchanged_rows, d.pending_rows`

func (r *drainRow) scan(row scanner, more ...any) error {
	return row.Scan(append([]any{
		&r.collection, &r.attempt, &r.base, &r.pages, &r.received, &r.cursor, &r.lastSaved,
		&r.firstTotal, &r.lastTotal, &r.totalsMoved, &r.requests, &r.unassigned, &r.note,
		&r.unchanged, &r.pending,
	}, more...)...)
}

// complete says whether the last page is saved and every page is loaded.
func (r drainRow) complete() bool { return r.lastSaved && r.unloaded == 0 }

func (r drainRow) drain() Drain {
	return Drain{
		Attempt: r.attempt, Pages: r.pages, Rows: r.received, Cursor: r.cursor, LastSaved: r.lastSaved,
		Requests: r.requests, FirstTotal: intOrNil(r.firstTotal), LastTotal: intOrNil(r.lastTotal),
		TotalsMoved: r.totalsMoved,
	}
}

// ofSnapshot selects one drain by the id of its snapshot, by the keys of both tables: a
// join would be planned to read all drains of all syncs.
const ofSnapshot = ` WHERE d.snapshot_seq = (SELECT s.seq FROM snapshots s WHERE s.id = $1) AND d.collection = $2`

// selectDrains selects drains, each with the number of its saved pages not yet loaded.
const selectDrains = "SELECT " + drainColumns + `, (SELECT COUNT(*) FROM saved_pages p
	  WHERE p.snapshot_seq = d.snapshot_seq AND p.collection = d.collection AND p.attempt = d.attempt)
	FROM drains d`

// selectDrain reads one drain into *into and sets *covered to whether the snapshot covers
// the collection.
func selectDrain(id string, c access.Collection, into *drainRow, covered *bool) statement {
	return statement{
		purpose: "read the drain of " + string(c), sql: selectDrains + ofSnapshot, args: []any{id, string(c)},
		scan: func(row scanner) error {
			err := into.scan(row, &into.unloaded)
			*covered = err == nil
			if errors.Is(err, sql.ErrNoRows) {
				err = nil
			}
			return err
		},
	}
}

// allDrains reads the drains of a snapshot, by collection.
func allDrains(ctx context.Context, q queryer, seq int64) (map[access.Collection]drainRow, error) {
	out := map[access.Collection]drainRow{}
	err := forEachRow(ctx, q, "read the drains", selectDrains+" WHERE d.snapshot_seq = $1",
		[]any{seq}, func(rows *sql.Rows) error {
			var r drainRow
			err := r.scan(rows, &r.unloaded)
			out[r.collection] = r
			return err
		})
	return out, err
}

// lockOpenDrain locks the drain of a collection for the rest of the transaction, and
// checks that its snapshot is open and its attempt is the caller's. The statements in
// along run in the same round trip.
func (s *Store) lockOpenDrain(
	ctx context.Context, t *txn, id string, c access.Collection, attempt int, l lockMode, along ...statement,
) (snapshotRow, drainRow, error) {
	snap, d, err := s.lockDrain(ctx, t, id, c, l, along...)
	if err != nil {
		return snap, d, err
	}
	if err := snap.checkOpen(); err != nil {
		return snap, d, err
	}
	if d.attempt != attempt {
		return snap, d, errBehind(id, c, d.attempt, attempt)
	}
	return snap, d, nil
}

func errBehind(id string, c access.Collection, current, attempt int) error {
	return fmt.Errorf("drain %s of snapshot %s with attempt %d: attempt %d is under way: %w",
		c, id, attempt, current, ErrStale)
}

// lockDrain locks the drain first and then reads the snapshot, whose state may change
// while it waits for the lock.
func (s *Store) lockDrain(
	ctx context.Context, t *txn, id string, c access.Collection, l lockMode, along ...statement,
) (snapshotRow, drainRow, error) {
	snap, d, covered := snapshotRow{id: id}, drainRow{}, true
	err := t.execBatch(ctx, append([]statement{{
		purpose: "lock the drain of " + string(c),
		sql:     "SELECT " + drainColumns + " FROM drains d" + ofSnapshot + s.d.lock("d", l),
		args:    []any{id, string(c)},
		scan: func(row scanner) error {
			err := d.scan(row)
			if errors.Is(err, sql.ErrNoRows) {
				covered, err = false, nil
			}
			return err
		},
	}, {purpose: "read the snapshot", sql: snapshotByID, args: []any{id}, scan: snap.scan}}, along...)...)
	if err == nil && !covered {
		err = errNotCovered(id, c)
	}
	return snap, d, err
}

func errNotCovered(id string, c access.Collection) error {
	return fmt.Errorf("snapshot %s does not cover %s: begin a snapshot with that collection", id, c)
}

func errNotDrained(id string, d drainRow) error {
	return fmt.Errorf("%s of snapshot %s is not drained (%d pages saved, %d of them not loaded, "+
		"last page saved: %t): continue the drain", d.collection, id, d.pages, d.unloaded, d.lastSaved)
}

// lockDrains waits for transactions that save or load pages of the snapshot, and blocks
// further ones until this transaction ends.
func (s *Store) lockDrains(ctx context.Context, tx *sql.Tx, seq int64) error {
	if !s.d.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx,
		"SELECT 1 FROM drains d WHERE d.snapshot_seq = $1 ORDER BY d.collection"+s.d.lock("d", lockExclusive), seq)
	if err != nil {
		return fmt.Errorf("lock the drains: %w", err)
	}
	return nil
}
