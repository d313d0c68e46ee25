package store

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// Begin opens a snapshot. It is idempotent: repeating it with the same ID changes nothing,
// whatever state the snapshot is in. Once it returns, the snapshot is on disk. An ID that
// belongs to another console is an error.
func (s *Store) Begin(ctx context.Context, in BeginInput) error {
	if in.Console == "" || in.ID == "" {
		return errors.New("begin a snapshot: set the console and the id")
	}
	collections := in.Collections
	if len(collections) == 0 {
		collections = access.Collections()
	}
	return s.writeOnDurably(ctx, func(t *txn) error {
		if err := s.d.lockConsole(ctx, t.Tx, in.Console); err != nil {
			return err
		}
		var created int64
		snap := snapshotRow{id: in.ID}
		err := t.execBatch(ctx, statement{
			purpose: "begin the snapshot",
			sql: `INSERT INTO snapshots (id, console, state, started_at, workflow_id) VALUES ($1, $2, $3, $4, $5)
			        ON CONFLICT (id) DO NOTHING`,
			args:     []any{in.ID, in.Console, StateDraining, micros(in.StartedAt), in.WorkflowID},
			affected: &created,
		}, statement{purpose: "read the snapshot", sql: snapshotByID, args: []any{in.ID}, scan: snap.scan})
		if err != nil {
			return err
		}
		if snap.console != in.Console {
			return fmt.Errorf("begin snapshot %s for %s: the id belongs to a snapshot of %s; choose another id",
				in.ID, in.Console, snap.console)
		}
		if created == 0 {
			return nil
		}
		var inserts []statement
		for _, c := range collections {
			inserts = append(inserts, statement{
				purpose: "prepare the drain of " + string(c),
				sql:     `INSERT INTO drains (snapshot_seq, collection) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
				args:    []any{snap.seq, string(c)},
			})
		}
		if err := t.execBatch(ctx, inserts...); err != nil {
			return err
		}
		return s.clearOutdated(ctx, t, snap)
	})
}
