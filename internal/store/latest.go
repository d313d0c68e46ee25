package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// Consoles lists the consoles of which something proven can be read, sorted.
func (s *Store) Consoles(ctx context.Context) ([]string, error) {
	out := []string{}
	err := each(ctx, s.r, "list the consoles", `SELECT DISTINCT console FROM heads ORDER BY console`, nil,
		func(rows *sql.Rows) error {
			var c string
			err := rows.Scan(&c)
			out = append(out, c)
			return err
		})
	return out, err
}

const snapshotColumns = `id, console, state, workflow_id, started_at, finished_at, promoted_at, decided_by,
	reasons, counts`

// Latest is the last proven snapshot of a console, promoted or unchanged, at a
// moment (now, if nil). Without one it is [ErrNoSnapshot].
func (s *Store) Latest(ctx context.Context, console string, asOf *time.Time) (Snapshot, error) {
	return latest(ctx, s.r, console, moment(asOf))
}

// moment is the end of time for "now": whatever is promoted, even by a machine whose
// clock is ahead, is visible.
func moment(asOf *time.Time) int64 {
	if asOf == nil {
		return math.MaxInt64
	}
	return micros(*asOf)
}

func latest(ctx context.Context, q queryer, console string, at int64) (Snapshot, error) {
	snap, err := scanSnapshot(q.QueryRowContext(ctx, `SELECT `+snapshotColumns+` FROM snapshots
		WHERE console = $1 AND state IN ('promoted', 'unchanged') AND promoted_at <= $2
		ORDER BY promoted_at DESC LIMIT 1`, console, at))
	if errors.Is(err, sql.ErrNoRows) {
		if at == math.MaxInt64 {
			return snap, fmt.Errorf("no sync of %s has been completed: run one first: %w", console, ErrNoSnapshot)
		}
		return snap, fmt.Errorf("no sync of %s had been completed by %s: %w",
			console, fromMicros(at).Format(time.RFC3339), ErrNoSnapshot)
	}
	if err != nil {
		return snap, fmt.Errorf("find the latest snapshot of %s: %w", console, err)
	}
	return snap, nil
}

// Quarantined lists the snapshots of a console that wait for a person, oldest first.
func (s *Store) Quarantined(ctx context.Context, console string) ([]Snapshot, error) {
	out := []Snapshot{}
	err := each(ctx, s.r, "list quarantined snapshots",
		`SELECT `+snapshotColumns+` FROM snapshots WHERE console = $1 AND state = 'quarantined' ORDER BY seq`,
		[]any{console}, func(rows *sql.Rows) error {
			snap, err := scanSnapshot(rows)
			out = append(out, snap)
			return err
		})
	return out, err
}

func scanSnapshot(row interface{ Scan(dest ...any) error }) (Snapshot, error) {
	var out Snapshot
	var started int64
	var finished, promoted sql.NullInt64
	var reasons, counts string
	err := row.Scan(&out.ID, &out.Console, &out.State, &out.WorkflowID, &started, &finished, &promoted,
		&out.DecidedBy, &reasons, &counts)
	if err != nil {
		return out, err
	}
	out.StartedAt, out.FinishedAt, out.PromotedAt = fromMicros(started), timeOrZero(finished), timeOrZero(promoted)
	return out, errors.Join(json.Unmarshal([]byte(reasons), &out.Reasons), json.Unmarshal([]byte(counts), &out.Counts))
}
