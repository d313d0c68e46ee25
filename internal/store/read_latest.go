package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Consoles lists the consoles that have a proven snapshot, sorted.
func (s *Store) Consoles(ctx context.Context) ([]string, error) {
	out := []string{}
	err := forEachRow(ctx, s.r, "list the consoles",
		`SELECT DISTINCT console FROM collection_heads ORDER BY console`, nil, func(rows *sql.Rows) error {
			var c string
			err := rows.Scan(&c)
			out = append(out, c)
			return err
		})
	return out, err
}

const snapshotColumns = `id, console, state, workflow_id, started_at, finished_at, promoted_at, decided_by,
	reasons, counts`

// Latest is the last proven snapshot of a console, promoted or unchanged, at a time (now,
// if nil). Without one it is [ErrNoSnapshot].
func (s *Store) Latest(ctx context.Context, console string, asOf *time.Time) (Snapshot, error) {
	return latest(ctx, s.r, console, microsOrMax(asOf))
}

func latest(ctx context.Context, q queryer, console string, at int64) (Snapshot, error) {
	snap, err := scanSnapshot(q.QueryRowContext(ctx, `SELECT `+snapshotColumns+` FROM snapshots
		WHERE console = $1 AND state IN ('promoted', 'unchanged') AND promoted_at <= $2
		ORDER BY promoted_at DESC LIMIT 1`, console, at))
	if errors.Is(err, sql.ErrNoRows) {
		if at == math.MaxInt64 {
			return snap, fmt.Errorf("no sync of %s is complete: run one first: %w", console, ErrNoSnapshot)
		}
		return snap, fmt.Errorf("no sync of %s was complete at %s: choose a later time: %w",
			console, fromMicros(at).Format(time.RFC3339), ErrNoSnapshot)
	}
	if err != nil {
		return snap, fmt.Errorf("find the latest snapshot of %s: %w", console, err)
	}
	return snap, nil
}

// Provenance says on which sync an answer from several collections is based, at a time (now,
// if nil): of the snapshots that last proved each collection, oldest is the one begun first. unread
// lists the collections that no sync had proven by then; if that is all of them, oldest is
// that of [Store.Latest]. Without a proven snapshot it is [ErrNoSnapshot].
func (s *Store) Provenance(
	ctx context.Context, console string, asOf *time.Time, cs ...access.Collection,
) (oldest Snapshot, unread []access.Collection, err error) {
	return s.provenance(ctx, provingSnapshot, console, microsOrMax(asOf), cs)
}

// FullProvenance is [Store.Provenance] by full syncs alone: a delta sync reads only what the activity feed names, so
// that anything else may be as old as the last full one.
func (s *Store) FullProvenance(
	ctx context.Context, console string, asOf *time.Time, cs ...access.Collection,
) (oldest Snapshot, unread []access.Collection, err error) {
	return s.provenance(ctx, fullyProvingSnapshot, console, microsOrMax(asOf), cs)
}

func (s *Store) provenance(
	ctx context.Context, find func(context.Context, queryer, string, access.Collection, int64) (int64, error),
	console string, at int64, cs []access.Collection,
) (oldest Snapshot, unread []access.Collection, err error) {
	if oldest, err = latest(ctx, s.r, console, at); err != nil {
		return oldest, nil, err
	}
	seqs := make([]int64, 0, len(cs))
	for _, c := range cs {
		seq, err := find(ctx, s.r, console, c, at)
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
		return oldest, nil, fmt.Errorf("read the provenance of answers about %s: %w", console, err)
	}
	return oldest, unread, nil
}

// provingSnapshot is the seq of the latest snapshot that proved a collection; 0 for none.
// A snapshot may be promoted without a collection that it drained, but only if one begun
// later had proven that collection before, so the highest seq is always right.
func provingSnapshot(ctx context.Context, q queryer, console string, c access.Collection, at int64) (int64, error) {
	text := `SELECT COALESCE(MAX(seq), 0) FROM collection_heads WHERE console = $1 AND collection = $2`
	args := []any{console, string(c)}
	if at != math.MaxInt64 {
		text = provingAt
		args = append(args, at)
	}
	return proving(ctx, q, console, c, text, args)
}

// provingAt finds the latest snapshot that had proven a collection by a time.
const provingAt = `SELECT COALESCE(MAX(s.seq), 0) FROM snapshots s
	JOIN drains d ON d.snapshot_seq = s.seq AND d.collection = $2
	WHERE s.console = $1 AND s.state IN ('promoted', 'unchanged') AND s.promoted_at <= $3 AND d.last_saved = 1`

// fullyProvingSnapshot is provingSnapshot without those of delta syncs, none of which is promoted while a full sync is
// open.
func fullyProvingSnapshot(
	ctx context.Context, q queryer, console string, c access.Collection, at int64,
) (int64, error) {
	return proving(ctx, q, console, c, provingAt+` AND s.mode <> $4`, []any{console, string(c), at, ModeDelta})
}

func proving(
	ctx context.Context, q queryer, console string, c access.Collection, text string, args []any,
) (int64, error) {
	var seq int64
	if err := q.QueryRowContext(ctx, text, args...).Scan(&seq); err != nil {
		return 0, fmt.Errorf("find the sync that proved the %s of %s: %w", c, console, err)
	}
	return seq, nil
}

// Quarantined lists the snapshots of a console that a person must promote or discard,
// oldest first.
func (s *Store) Quarantined(ctx context.Context, console string) ([]Snapshot, error) {
	return s.quarantined(ctx, console, "")
}

// Promotable is [Store.Quarantined] without the snapshots of which nothing is left to
// promote, because snapshots begun later have proven all collections that they cover.
func (s *Store) Promotable(ctx context.Context, console string) ([]Snapshot, error) {
	return s.quarantined(ctx, console, `
		AND EXISTS (SELECT 1 FROM drains d
			LEFT JOIN collection_heads h ON h.console = snapshots.console AND h.collection = d.collection
			WHERE d.snapshot_seq = snapshots.seq AND (h.seq IS NULL OR h.seq < snapshots.seq))`)
}

func (s *Store) quarantined(ctx context.Context, console, and string) ([]Snapshot, error) {
	out := []Snapshot{}
	err := forEachRow(ctx, s.r, "list quarantined snapshots", `SELECT `+snapshotColumns+` FROM snapshots
		WHERE console = $1 AND state = 'quarantined'`+and+` ORDER BY seq`,
		[]any{console}, func(rows *sql.Rows) error {
			snap, err := scanSnapshot(rows)
			out = append(out, snap)
			return err
		})
	return out, err
}

func scanSnapshot(row scanner) (Snapshot, error) {
	var out Snapshot
	err := scanSnapshotWith(row, &out)
	return out, err
}

// ConsoleOf is the console of a snapshot. An unknown snapshot is [ErrNoSnapshot].
func (s *Store) ConsoleOf(ctx context.Context, id string) (string, error) {
	snap, err := findSnapshot(ctx, s.r, id)
	return snap.console, s.explain(err)
}
