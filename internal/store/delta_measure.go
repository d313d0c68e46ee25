package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// MeasureInput is what the feed named between the last full sync and this one, beyond what delta syncs have read.
type MeasureInput struct {
	Console  string
	Snapshot string // id of the full sync
	// Read says that the feed was read without a gap since the last full sync. If not, nothing is measured, and delta
	// syncs go on from the mark all the same.
	Read        bool
	All         bool                      // nothing was missed: a delta sync would have become a full one
	Named       map[PrincipalRef][]string // with their authors
	Collections map[access.Collection]bool
	// Seen are activities that were read. Those that are not newer than the mark do not count as new again: the full
	// sync began after them, and shows what they did.
	Seen []SeenActivity
}

// MeasureFeed ends what [Store.MarkFeed] began, after a full sync is promoted: it counts the changes that the feed did
// not name, and lets delta syncs go on from the mark. It returns nil if this full sync has no mark, or if nothing can
// be measured. Repeating it returns the first answer.
func (s *Store) MeasureFeed(ctx context.Context, in MeasureInput) (*FeedMeasure, error) {
	var out *FeedMeasure
	err := s.writeOn(ctx, func(t *txn) (err error) {
		out = nil
		snap, err := s.lockConsoleOf(ctx, t.Tx, in.Snapshot)
		if err != nil || !snap.proven() {
			return err
		}
		var m feedMark
		if err := m.read(ctx, t, in.Console); err != nil || m.of != in.Snapshot {
			return err
		}
		if m.adopted == m.of { // done before
			out = m.earlier()
			return nil
		}
		out, err = s.adoptMark(ctx, t, snap, in, m)
		return err
	})
	return out, err
}

// adoptMark measures, and has delta syncs go on from the mark.
func (s *Store) adoptMark(
	ctx context.Context, t *txn, snap snapshotRow, in MeasureInput, m feedMark,
) (out *FeedMeasure, err error) {
	var statements []statement
	if in.Read && m.why == "" && m.readAt > 0 {
		out, statements, err = measure(ctx, t, snap, in, m.changed)
		if err != nil {
			return nil, err
		}
		statements = append(statements, statement{
			purpose: "record what the feed missed",
			sql: `UPDATE activity_feeds SET missed = $2, changes = $3, measured_at = $4, measured_of = mark_of
				WHERE console = $1`,
			args: []any{in.Console, out.Missed, out.Changes, micros(s.now())},
		})
	}
	statements = append(statements, statement{
		purpose: "go on from the mark",
		sql: `UPDATE activity_feeds SET why = '', watermark = mark, read_at = mark_at, entry = mark_entry, changed = 0,
			adopted = mark_of WHERE console = $1`,
		args: []any{in.Console},
	})
	shown := slices.DeleteFunc(slices.Clone(in.Seen), func(a SeenActivity) bool { return microsOrZero(a.At) > m.mark })
	return out, t.execBatch(ctx, append(statements, t.d.keepSeen(in.Console, shown)...)...)
}

// feedMark is the row of a console's feed, as far as MeasureFeed needs it.
type feedMark struct {
	why, of, adopted, measuredOf string
	mark, readAt                 int64
	changed                      int
	missed, changes              sql.NullInt64
}

// earlier is what was measured for this mark before; nil if nothing was.
func (m *feedMark) earlier() *FeedMeasure {
	if m.measuredOf != m.of {
		return nil
	}
	return &FeedMeasure{Missed: int(m.missed.Int64), Changes: int(m.changes.Int64)}
}

func (m *feedMark) read(ctx context.Context, q queryer, console string) error {
	return forEachRow(ctx, q, "read the mark of the activity feed",
		`SELECT why, mark_of, adopted, measured_of, mark, read_at, changed, missed, changes
		 FROM activity_feeds WHERE console = $1`, []any{console}, func(rows *sql.Rows) error {
			return rows.Scan(&m.why, &m.of, &m.adopted, &m.measuredOf, &m.mark, &m.readAt, &m.changed,
				&m.missed, &m.changes)
		})
}

// measure counts the rows that the snapshot changed, and keeps the authors of those that the feed named.
func measure(
	ctx context.Context, t *txn, snap snapshotRow, in MeasureInput, changed int,
) (*FeedMeasure, []statement, error) {
	out := &FeedMeasure{Changes: changed}
	authors := map[PrincipalRef][]string{}
	err := forEachRow(ctx, t, "list what a full sync changed",
		`SELECT DISTINCT e.collection, e.id FROM entities e WHERE e.console = $1 AND (e.since = $2 OR e.until = $2)`,
		[]any{snap.console, snap.seq}, func(rows *sql.Rows) error {
			var c access.Collection
			var id string
			if err := rows.Scan(&c, &id); err != nil {
				return err
			}
			out.Changes++
			who := PrincipalRef{Kind: c.PrincipalKind(), ID: id}
			names, named := in.Named[who]
			if who.Kind == "" {
				named = in.Collections[c]
			} else if named {
				authors[who] = names
			}
			if !named && !in.All {
				out.Missed++
			}
			return nil
		})
	if err != nil {
		return nil, nil, err
	}
	statements, err := t.d.keepAuthors(snap.console, snap.seq, authors)
	return out, statements, err
}

// authorsOf decodes the names of authors; nil if none are known.
func authorsOf(text sql.NullString) ([]string, error) {
	if text.String == "" {
		return nil, nil
	}
	var out []string
	if err := json.Unmarshal([]byte(text.String), &out); err != nil {
		return nil, fmt.Errorf("read who made a change: %w", err)
	}
	return out, nil
}

// Age is how long ago the feed was read; 0 if it never was.
func (f Feed) Age(now time.Time) time.Duration {
	if f.ReadAt.IsZero() {
		return 0
	}
	return now.Sub(f.ReadAt)
}
