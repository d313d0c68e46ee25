package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"time"

	"sentinelone-provisioner/internal/ledger"
)

// LedgerPageQuery selects entries of one console's ledger. Empty fields do not filter.
type LedgerPageQuery struct {
	Console string
	After   int64      // only entries behind this number
	Since   *time.Time // only entries of then or later
	Request string     // only those filed under this workflow id
	Limit   int        // of entries; 0 for all
	Newest  bool       // with Limit: the newest of them; else the oldest
}

// LedgerPage lists the selected entries in their order.
func (s *Store) LedgerPage(ctx context.Context, q LedgerPageQuery) ([]ledger.Entry, error) {
	since, limit, order := int64(math.MinInt64), int64(math.MaxInt64), ""
	if q.Since != nil {
		since = micros(*q.Since)
	}
	if q.Limit > 0 {
		limit = int64(q.Limit)
	}
	if q.Newest {
		order = " DESC"
	}
	statement := "SELECT " + ledgerColumns + " FROM ledger WHERE console = $1 AND seq > $2 AND at >= $3"
	args := []any{q.Console, q.After, since, limit}
	if q.Request != "" {
		statement += " AND request = $5"
		args = append(args, q.Request)
	}
	found, err := entriesOf(ctx, s.r, statement+" ORDER BY seq"+order+" LIMIT $4", args...)
	if q.Newest {
		slices.Reverse(found)
	}
	return found, s.explain(err)
}

// SyncRecord is one sync with what it cost and changed.
type SyncRecord struct {
	Snapshot

	Mode     string // ModeDelta of a delta sync; else ""
	Added    int    // assignments
	Removed  int    // assignments
	Requests int    // to the console, so far
	Note     *Note  // why it is delayed; nil if it is not
}

// SyncLogQuery selects syncs of one console. Empty fields do not filter.
type SyncLogQuery struct {
	Console string
	ID      string // of a snapshot, or of the workflow of one or several
	Limit   int    // the newest; 0 for all
}

// SyncLog lists the selected syncs in the order in which they began, in any state.
func (s *Store) SyncLog(ctx context.Context, q SyncLogQuery) ([]SyncRecord, error) {
	limit := int64(math.MaxInt64)
	if q.Limit > 0 {
		limit = int64(q.Limit)
	}
	statement := "SELECT " + snapshotColumns + `, mode, changes, note, requests + COALESCE(
		(SELECT SUM(d.requests) FROM drains d WHERE d.snapshot_seq = snapshots.seq), 0)
		FROM snapshots WHERE console = $1`
	args := []any{q.Console, limit}
	if q.ID != "" {
		args = append(args, q.ID)
		statement += " AND (id = $3 OR workflow_id = $3)"
	}
	out := []SyncRecord{}
	err := forEachRow(ctx, s.r, "list the syncs", statement+" ORDER BY seq DESC LIMIT $2", args,
		func(rows *sql.Rows) error {
			var r SyncRecord
			var changes, note string
			err := scanSnapshotWith(rows, &r.Snapshot, &r.Mode, &changes, &note, &r.Requests)
			if err != nil {
				return err
			}
			var c changeCounts
			if r.Note, err = parseNote(note); err == nil {
				err = json.Unmarshal([]byte(changes), &c)
			}
			r.Added, r.Removed = c.Added, c.Removed
			out = append(out, r)
			return err
		})
	slices.Reverse(out)
	return out, s.explain(err)
}

// scanSnapshotWith reads snapshotColumns into out, and the columns behind them into after.
func scanSnapshotWith(row scanner, out *Snapshot, after ...any) error {
	var started int64
	var finished, promoted sql.NullInt64
	var reasons, counts string
	err := row.Scan(append([]any{
		&out.ID, &out.Console, &out.State, &out.WorkflowID, &started, &finished, &promoted, &out.DecidedBy,
		&reasons, &counts,
	}, after...)...)
	if err != nil {
		return err
	}
	out.StartedAt, out.FinishedAt, out.PromotedAt = fromMicros(started), timeOrZero(finished), timeOrZero(promoted)
	return errors.Join(json.Unmarshal([]byte(reasons), &out.Reasons), json.Unmarshal([]byte(counts), &out.Counts))
}
