package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
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

// Basis is what an answer from several collections rests on: of the snapshots that
// proved each of them last, at a moment (now, if nil), the one begun first. A
// collection that no sync has proven by then is in unread; if that is all of them,
// the snapshot is that of [Store.Latest]. Without any it is [ErrNoSnapshot].
func (s *Store) Basis(
	ctx context.Context, console string, asOf *time.Time, cs ...access.Collection,
) (oldest Snapshot, unread []access.Collection, err error) {
	at := moment(asOf)
	if oldest, err = latest(ctx, s.r, console, at); err != nil {
		return oldest, nil, err
	}
	seqs := make([]int64, 0, len(cs))
	for _, c := range cs {
		seq, err := provenBy(ctx, s.r, console, c, at)
		if err != nil {
			return oldest, nil, err
		}
		if seq == 0 {
			unread = append(unread, c)
			continue
		}
		seqs = append(seqs, seq)
	}
	if len(seqs) == 0 {
		return oldest, unread, nil
	}
	oldest, err = scanSnapshot(s.r.QueryRowContext(ctx,
		`SELECT `+snapshotColumns+` FROM snapshots WHERE seq = $1`, slices.Min(seqs)))
	if err != nil {
		return oldest, nil, fmt.Errorf("read what answers about %s rest on: %w", console, err)
	}
	return oldest, unread, nil
}

// provenBy is the latest snapshot that proved a collection; 0 for none. A snapshot
// may have been promoted without a collection it covered, but then one begun later
// had proven that before: the one begun last is always right.
func provenBy(ctx context.Context, q queryer, console string, c access.Collection, at int64) (int64, error) {
	text := `SELECT COALESCE(MAX(seq), 0) FROM heads WHERE console = $1 AND collection = $2`
	args := []any{console, string(c)}
	if at != math.MaxInt64 {
		text = `SELECT COALESCE(MAX(s.seq), 0) FROM snapshots s
			JOIN drains d ON d.snapshot_seq = s.seq AND d.collection = $2
			WHERE s.console = $1 AND s.state IN ('promoted', 'unchanged') AND s.promoted_at <= $3 AND d.last_saved = 1`
		args = append(args, at)
	}
	var seq int64
	if err := q.QueryRowContext(ctx, text, args...).Scan(&seq); err != nil {
		return 0, fmt.Errorf("find the sync that proved the %s of %s: %w", c, console, err)
	}
	return seq, nil
}

// Quarantined lists the snapshots of a console that wait for a person, oldest first.
func (s *Store) Quarantined(ctx context.Context, console string) ([]Snapshot, error) {
	return s.quarantined(ctx, console, "")
}

// Held is [Store.Quarantined] without the snapshots of which nothing is left to
// promote, because syncs begun later have proven all that they cover.
func (s *Store) Held(ctx context.Context, console string) ([]Snapshot, error) {
	return s.quarantined(ctx, console, `
		AND EXISTS (SELECT 1 FROM drains d
			LEFT JOIN heads h ON h.console = snapshots.console AND h.collection = d.collection
			WHERE d.snapshot_seq = snapshots.seq AND (h.seq IS NULL OR h.seq < snapshots.seq))`)
}

func (s *Store) quarantined(ctx context.Context, console, and string) ([]Snapshot, error) {
	out := []Snapshot{}
	err := each(ctx, s.r, "list quarantined snapshots", `SELECT `+snapshotColumns+` FROM snapshots
		WHERE console = $1 AND state = 'quarantined'`+and+` ORDER BY seq`,
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

// ConsoleOf is the console a snapshot is of. It is [ErrNoSnapshot] for an unknown one.
func (s *Store) ConsoleOf(ctx context.Context, id string) (string, error) {
	snap, err := findSnapshot(ctx, s.r, id)
	return snap.console, err
}
