package store

import (
	"context"
	"database/sql"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// clearOutdated deletes what other open snapshots of the console received for collections
// of which a snapshot begun later is proven: they can no longer be promoted.
func (s *Store) clearOutdated(ctx context.Context, t *txn, snap snapshotRow) error {
	type left struct {
		seq        int64
		collection access.Collection
	}
	var outdated []left
	err := forEachRow(ctx, t.Tx, "find outdated drains",
		`SELECT d.snapshot_seq, d.collection FROM snapshots s
		 JOIN drains d ON d.snapshot_seq = s.seq
		 JOIN collection_heads h ON h.console = s.console AND h.collection = d.collection
		 WHERE s.console = $1 AND s.seq <> $2 AND s.state IN ('draining', 'quarantined') AND h.seq > s.seq
		   AND d.attempt > 0
		 ORDER BY d.snapshot_seq, d.collection`+s.d.lock("d", lockExclusive),
		[]any{snap.console, snap.seq}, func(rows *sql.Rows) error {
			var drain left
			err := rows.Scan(&drain.seq, &drain.collection)
			outdated = append(outdated, drain)
			return err
		})
	if err != nil {
		return err
	}
	var statements []statement
	for _, drain := range outdated {
		statements = append(statements, clearDrain(snap.console, drain.seq, drain.collection)...)
	}
	return t.execBatch(ctx, statements...)
}

// clearDrain deletes everything a snapshot has received for a collection. The caller makes
// sure that the snapshot is not promoted.
func clearDrain(console string, seq int64, c access.Collection) []statement {
	statements := clearWorkTables(seq, c)
	if kind := c.PrincipalKind(); kind != "" {
		statements = append(statements, statement{
			purpose: "clear pending assignments",
			sql: `DELETE FROM assignments
			        WHERE console = $1 AND principal_kind = $2 AND since = $3 AND until IS NULL`,
			args: []any{console, string(kind), seq},
		})
	}
	return append(statements, statement{
		purpose: "clear pending rows",
		sql:     `DELETE FROM entities WHERE console = $1 AND collection = $2 AND since = $3 AND until IS NULL`,
		args:    []any{console, string(c), seq},
	})
}

// clearWorkTables deletes the saved pages of a drain and what it recorded about rows of
// earlier snapshots.
func clearWorkTables(seq int64, c access.Collection) (statements []statement) {
	for _, table := range []string{"saved_pages", "unchanged", "closing"} {
		statements = append(statements, statement{
			purpose: "clear " + table,
			sql:     "DELETE FROM " + table + " WHERE snapshot_seq = $1 AND collection = $2",
			args:    []any{seq, string(c)},
		})
	}
	return statements
}

// clearOtherDrains clears the drains of a snapshot, except those of the collections in keep.
func clearOtherDrains(
	snap snapshotRow, drains map[access.Collection]drainRow, keep []access.Collection,
) (statements []statement) {
	for _, c := range access.Collections() {
		if d, covered := drains[c]; covered && d.attempt > 0 && !slices.Contains(keep, c) {
			statements = append(statements, clearDrain(snap.console, snap.seq, c)...)
		}
	}
	return statements
}
