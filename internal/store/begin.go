package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Begin opens a snapshot. Repeating it with the same ID changes nothing, whatever
// became of the snapshot meanwhile; an ID that belongs to another console is an
// error.
func (s *Store) Begin(ctx context.Context, in BeginInput) error {
	if in.Console == "" || in.ID == "" {
		return errors.New("a snapshot needs a console and an id")
	}
	collections := in.Collections
	if len(collections) == 0 {
		collections = access.Collections()
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := s.d.lockConsole(ctx, tx, in.Console); err != nil {
			return err
		}
		created, err := exec(ctx, tx, "begin the snapshot",
			`INSERT INTO snapshots (id, console, state, started_at, workflow_id) VALUES ($1, $2, $3, $4, $5)
			 ON CONFLICT (id) DO NOTHING`,
			in.ID, in.Console, StateDraining, micros(in.StartedAt), in.WorkflowID)
		if err != nil {
			return err
		}
		snap, err := findSnapshot(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		if snap.console != in.Console {
			return fmt.Errorf("snapshot %s belongs to %s, not to %s", in.ID, snap.console, in.Console)
		}
		if created == 0 {
			return nil
		}
		for _, c := range collections {
			_, err := exec(ctx, tx, "prepare the drain",
				`INSERT INTO drains (snapshot_seq, collection) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
				snap.seq, string(c))
			if err != nil {
				return err
			}
		}
		return s.sweep(ctx, tx, snap)
	})
}

// sweep clears what other snapshots of the console left for collections in which
// they can no longer be promoted.
func (s *Store) sweep(ctx context.Context, tx *sql.Tx, snap snapshotRow) error {
	type left struct {
		seq        int64
		collection access.Collection
	}
	var stale []left
	err := each(ctx, tx, "look for stale drains",
		`SELECT d.snapshot_seq, d.collection FROM snapshots s
		 JOIN drains d ON d.snapshot_seq = s.seq
		 JOIN heads h ON h.console = s.console AND h.collection = d.collection
		 WHERE s.console = $1 AND s.seq <> $2 AND s.state IN ('draining', 'quarantined') AND h.seq > s.seq
		   AND d.attempt > 0
		 ORDER BY d.snapshot_seq, d.collection`+s.d.lock("d", alone),
		[]any{snap.console, snap.seq}, func(rows *sql.Rows) error {
			var l left
			err := rows.Scan(&l.seq, &l.collection)
			stale = append(stale, l)
			return err
		})
	if err != nil {
		return err
	}
	for _, l := range stale {
		if err := wipe(ctx, tx, snap.console, l.seq, l.collection); err != nil {
			return err
		}
	}
	return nil
}

// wipe deletes everything a snapshot has received for a collection and not shown.
// The caller makes sure that the snapshot is not promoted.
func wipe(ctx context.Context, tx *sql.Tx, console string, seq int64, c access.Collection) error {
	if err := wipeReceipts(ctx, tx, seq, c); err != nil {
		return err
	}
	if kind := c.PrincipalKind(); kind != "" {
		_, err := exec(ctx, tx, "clear pending assignments",
			`DELETE FROM assignments WHERE console = $1 AND principal_kind = $2 AND since = $3 AND until IS NULL`,
			console, string(kind), seq)
		if err != nil {
			return err
		}
	}
	_, err := exec(ctx, tx, "clear pending rows",
		`DELETE FROM entities WHERE console = $1 AND collection = $2 AND since = $3 AND until IS NULL`,
		console, string(c), seq)
	return err
}

// wipeReceipts deletes what a snapshot noted about rows it does not own.
func wipeReceipts(ctx context.Context, tx *sql.Tx, seq int64, c access.Collection) error {
	for _, table := range []string{"saved_pages", "seen", "closing"} {
		_, err := exec(ctx, tx, "clear "+table,
			"DELETE FROM "+table+" WHERE snapshot_seq = $1 AND collection = $2", seq, string(c))
		if err != nil {
			return err
		}
	}
	return nil
}

// wipeAll wipes the drains of a snapshot, except those kept.
func wipeAll(
	ctx context.Context, tx *sql.Tx, snap snapshotRow, all map[access.Collection]drainRow, keep []access.Collection,
) error {
	for _, c := range access.Collections() {
		if d, covered := all[c]; !covered || d.attempt == 0 || slices.Contains(keep, c) {
			continue
		}
		if err := wipe(ctx, tx, snap.console, snap.seq, c); err != nil {
			return err
		}
	}
	return nil
}
