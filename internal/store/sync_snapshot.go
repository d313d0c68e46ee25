package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// snapshotRow has the columns of a row of snapshots that writers need.
type snapshotRow struct {
	seq     int64
	id      string
	console string
	state   string
	note    string
	delta   bool // set by ApplyDelta alone: only rows in the table gone are missing
}

// open says whether the snapshot still accepts pages.
func (r snapshotRow) open() bool { return r.state == StateDraining || r.state == StateQuarantined }

// proven says whether the snapshot is promoted, or was proven to change nothing.
func (r snapshotRow) proven() bool { return r.state == StatePromoted || r.state == StateUnchanged }

func (r snapshotRow) checkOpen() error {
	if r.open() {
		return nil
	}
	return fmt.Errorf("snapshot %s has ended as %s: %w", r.id, r.state, ErrDecided)
}

const snapshotByID = "SELECT seq, console, state, note FROM snapshots WHERE id = $1"

func findSnapshot(ctx context.Context, q queryer, id string) (snapshotRow, error) {
	r := snapshotRow{id: id}
	return r, r.scan(q.QueryRowContext(ctx, snapshotByID, id))
}

func (r *snapshotRow) scan(row scanner) error {
	err := row.Scan(&r.seq, &r.console, &r.state, &r.note)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("snapshot %s: %w", r.id, ErrNoSnapshot)
	}
	if err != nil {
		return fmt.Errorf("find snapshot %s: %w", r.id, err)
	}
	return nil
}

// lockConsoleOf reads a snapshot and locks its console for the rest of the transaction, so
// that no other transaction decides about it. It reads the state after it has the lock.
func (s *Store) lockConsoleOf(ctx context.Context, tx *sql.Tx, id string) (snapshotRow, error) {
	r, err := findSnapshot(ctx, tx, id)
	if err != nil || !s.d.postgres {
		return r, err
	}
	if err := s.d.lockConsole(ctx, tx, r.console); err != nil {
		return r, err
	}
	return findSnapshot(ctx, tx, id)
}
