package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// snapshotRow is a row of snapshots as the writing side needs it.
type snapshotRow struct {
	seq     int64
	id      string
	console string
	state   string
	note    string
}

// open says whether a snapshot may still take pages.
func (r snapshotRow) open() bool { return r.state == StateDraining || r.state == StateQuarantined }

// proven says whether the snapshot is one that readers may see.
func (r snapshotRow) proven() bool { return r.state == StatePromoted || r.state == StateUnchanged }

func (r snapshotRow) mustBeOpen() error {
	if r.open() {
		return nil
	}
	return fmt.Errorf("snapshot %s is %s: %w", r.id, r.state, ErrDecided)
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

// claim finds a snapshot and, for the rest of the transaction, is the only one to
// decide about its console. The state it returns is read after the wait.
func (s *Store) claim(ctx context.Context, tx *sql.Tx, id string) (snapshotRow, error) {
	r, err := findSnapshot(ctx, tx, id)
	if err != nil || !s.d.postgres {
		return r, err
	}
	if err := s.d.lockConsole(ctx, tx, r.console); err != nil {
		return r, err
	}
	return findSnapshot(ctx, tx, id)
}
