package store

import (
	"context"
	"errors"
	"fmt"

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
	return s.writeOn(ctx, func(t *txn) error {
		if err := s.d.lockConsole(ctx, t.Tx, in.Console); err != nil {
			return err
		}
		var created int64
		snap := snapshotRow{id: in.ID}
		err := t.together(ctx, step{
			what: "begin the snapshot",
			query: `INSERT INTO snapshots (id, console, state, started_at, workflow_id) VALUES ($1, $2, $3, $4, $5)
			        ON CONFLICT (id) DO NOTHING`,
			args:    []any{in.ID, in.Console, StateDraining, micros(in.StartedAt), in.WorkflowID},
			touched: &created,
		}, step{what: "look at the snapshot", query: snapshotByID, args: []any{in.ID}, read: snap.scan})
		if err != nil {
			return err
		}
		if snap.console != in.Console {
			return fmt.Errorf("snapshot %s belongs to %s, not to %s", in.ID, snap.console, in.Console)
		}
		if created == 0 {
			return nil
		}
		var prepare []step
		for _, c := range collections {
			prepare = append(prepare, step{
				what:  "prepare the drain of " + string(c),
				query: `INSERT INTO drains (snapshot_seq, collection) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
				args:  []any{snap.seq, string(c)},
			})
		}
		if err := t.together(ctx, prepare...); err != nil {
			return err
		}
		return s.sweep(ctx, t, snap)
	})
}
