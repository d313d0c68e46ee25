package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// UnderWay is a full sync that receives data, as far as the store knows: one that was terminated stays so.
type UnderWay struct {
	ID          string // of its snapshot
	WorkflowID  string
	StartedAt   time.Time
	Collections []access.Collection // sorted by name
}

// Covers says that the sync reads every one of the collections.
func (u UnderWay) Covers(collections []access.Collection) bool {
	return !slices.ContainsFunc(collections, func(c access.Collection) bool {
		return !slices.Contains(u.Collections, c)
	})
}

// SyncsUnderWay lists the syncs of a console that began after a time and receive data, the latest first.
func (s *Store) SyncsUnderWay(ctx context.Context, console string, since time.Time) ([]UnderWay, error) {
	var out []UnderWay
	err := forEachRow(ctx, s.r, "look for syncs under way",
		`SELECT s.id, s.workflow_id, s.started_at, d.collection FROM snapshots s
		 JOIN drains d ON d.snapshot_seq = s.seq
		 WHERE s.console = $1 AND s.state = $2 AND s.started_at >= $3 ORDER BY s.seq DESC, d.collection`,
		[]any{console, StateDraining, micros(since)}, func(rows *sql.Rows) error {
			var id, collection string
			var workflow sql.NullString
			var started int64
			if err := rows.Scan(&id, &workflow, &started, &collection); err != nil {
				return err
			}
			if len(out) == 0 || out[len(out)-1].ID != id {
				out = append(out, UnderWay{ID: id, WorkflowID: workflow.String, StartedAt: fromMicros(started)})
			}
			last := &out[len(out)-1]
			last.Collections = append(last.Collections, access.Collection(collection))
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("look for syncs of %s under way: %w", console, s.explain(err))
	}
	return out, nil
}
