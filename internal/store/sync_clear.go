package store

import (
	"context"
	"database/sql"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// sweep clears what other snapshots of the console left for collections in which
// they can no longer be promoted.
func (s *Store) sweep(ctx context.Context, t *txn, snap snapshotRow) error {
	type left struct {
		seq        int64
		collection access.Collection
	}
	var stale []left
	err := each(ctx, t.Tx, "look for stale drains",
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
	var steps []step
	for _, l := range stale {
		steps = append(steps, wipe(snap.console, l.seq, l.collection)...)
	}
	return t.together(ctx, steps...)
}

// wipe deletes everything a snapshot has received for a collection and not shown.
// The caller makes sure that the snapshot is not promoted.
func wipe(console string, seq int64, c access.Collection) []step {
	steps := wipeReceipts(seq, c)
	if kind := c.PrincipalKind(); kind != "" {
		steps = append(steps, step{
			what: "clear pending assignments",
			query: `DELETE FROM assignments
			        WHERE console = $1 AND principal_kind = $2 AND since = $3 AND until IS NULL`,
			args: []any{console, string(kind), seq},
		})
	}
	return append(steps, step{
		what:  "clear pending rows",
		query: `DELETE FROM entities WHERE console = $1 AND collection = $2 AND since = $3 AND until IS NULL`,
		args:  []any{console, string(c), seq},
	})
}

// wipeReceipts deletes what a snapshot noted about rows it does not own.
func wipeReceipts(seq int64, c access.Collection) (steps []step) {
	for _, table := range []string{"saved_pages", "seen", "closing"} {
		steps = append(steps, step{
			what:  "clear " + table,
			query: "DELETE FROM " + table + " WHERE snapshot_seq = $1 AND collection = $2",
			args:  []any{seq, string(c)},
		})
	}
	return steps
}

// wipeAll wipes the drains of a snapshot, except those kept.
func wipeAll(snap snapshotRow, all map[access.Collection]drainRow, keep []access.Collection) (steps []step) {
	for _, c := range access.Collections() {
		if d, covered := all[c]; covered && d.attempt > 0 && !slices.Contains(keep, c) {
			steps = append(steps, wipe(snap.console, snap.seq, c)...)
		}
	}
	return steps
}
