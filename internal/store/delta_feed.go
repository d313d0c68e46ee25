package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// seenFor is how long the ids of activities are kept, by the console's clock.
const seenFor = 48 * time.Hour

// Feed reads how far the activity feed of a console is read. own is the id of a snapshot that does not count as
// unfinished.
func (s *Store) Feed(ctx context.Context, console, own string) (Feed, error) {
	var out Feed
	err := s.read(ctx, func(q queryer) (err error) {
		out, err = readFeed(ctx, q, console, own)
		return err
	})
	return out, err
}

func readFeed(ctx context.Context, q queryer, console, own string) (Feed, error) {
	f := Feed{Counts: map[access.Collection]int{}}
	var types string
	var watermark, readAt int64
	var missed, changes, measured sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT f.why, f.types, f.watermark, f.read_at, f.counted, f.changed, f.missed,
			f.changes, f.measured_at, f.entry, `+lastEntry+`
		FROM activity_feeds f WHERE f.console = $1`, console).
		Scan(&f.Why, &types, &watermark, &readAt, &f.Counted, &f.changed, &missed, &changes, &measured, &f.Entry,
			&f.LastEntry)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		f.Why = "this is the first delta sync of the console"
	case err != nil:
		return f, fmt.Errorf("read how far the activity feed of %s is read: %w", console, err)
	default:
		f.Wanted = true
		if err := json.Unmarshal([]byte(types), &f.Types); err != nil {
			return f, fmt.Errorf("read the types of activities of %s: %w", console, err)
		}
	}
	f.Watermark, f.ReadAt, f.MeasuredAt = zeroTime(watermark), zeroTime(readAt), timeOrZero(measured)
	f.Missed, f.Changes = int(missed.Int64), int(changes.Int64)
	heads, err := allHeads(ctx, q, console)
	if err != nil {
		return f, err
	}
	var base strings.Builder
	for _, c := range access.Collections() {
		h, proven := heads[c]
		if proven {
			f.Counts[c] = h.visible
			f.held += h.held
		}
		fmt.Fprintf(&base, "%d/%d ", h.seq, h.version)
	}
	fmt.Fprintf(&base, "%d", readAt)
	f.Base = base.String()
	var open int
	var running sql.NullInt64
	err = q.QueryRowContext(ctx, `SELECT COUNT(*), MAX(CASE WHEN s.state = 'draining' THEN s.started_at END)
		FROM snapshots s WHERE s.console = $1 AND s.state IN ('draining', 'quarantined') AND s.id <> $2
		  AND EXISTS (SELECT 1 FROM drains d
			LEFT JOIN collection_heads h ON h.console = s.console AND h.collection = d.collection
			WHERE d.snapshot_seq = s.seq AND (h.seq IS NULL OR h.seq < s.seq))`, console, own).Scan(&open, &running)
	if err != nil {
		return f, fmt.Errorf("look for a full sync under way: %w", err)
	}
	f.Unfinished, f.Running = open > 0, timeOrZero(running)
	return f, nil
}

func zeroTime(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return fromMicros(us)
}

func microsOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

// lastEntry is the number of the last entry in the ledger of console $1; 0 if it is empty.
const lastEntry = "COALESCE((SELECT h.seq FROM ledger_heads h WHERE h.console = $1), 0)"

// WantFeed records that delta syncs of a console are wanted: from now on, full syncs note where the feed stands.
func (s *Store) WantFeed(ctx context.Context, console string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := exec(ctx, tx, "begin to read the activity feed", `INSERT INTO activity_feeds
			(console, why, types, watermark, read_at, counted, changed, mark, mark_at, mark_of, adopted, measured_of)
			VALUES ($1, $2, '[]', 0, 0, '', 0, 0, 0, '', '', '') ON CONFLICT DO NOTHING`,
			console, "no full sync since the first delta sync was asked for")
		return err
	})
}

// SeenActivities are the ids of the activities that were seen and are not older than a time.
func (s *Store) SeenActivities(ctx context.Context, console string, since time.Time) (map[string]bool, error) {
	out := map[string]bool{}
	err := forEachRow(ctx, s.r, "read the activities that were seen",
		`SELECT id FROM activities_seen WHERE console = $1 AND created_at >= $2`,
		[]any{console, microsOrZero(since)}, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			out[id] = true
			return err
		})
	return out, s.explain(err)
}

// MarkFeed keeps where the feed stands before a full sync reads anything. With a reason why the feed cannot be read,
// delta syncs end until a full sync keeps a mark again. Without [Store.WantFeed] it does nothing.
func (s *Store) MarkFeed(ctx context.Context, console string, m FeedMark) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if m.Why != "" {
			_, err := exec(ctx, tx, "record why the activity feed cannot be read",
				`UPDATE activity_feeds SET why = $2, mark_of = '' WHERE console = $1`, console, m.Why)
			return err
		}
		types, err := toJSON(m.Types)
		if err != nil {
			return err
		}
		_, err = exec(ctx, tx, "mark the activity feed",
			`UPDATE activity_feeds SET types = $2, mark = $3, mark_at = $4, mark_of = $5, mark_entry = `+lastEntry+`
			WHERE console = $1`,
			console, types, microsOrZero(m.At), microsOrZero(m.TakenAt), m.Snapshot)
		return err
	})
}

// advanceFeed stores how far a delta sync has read, and how many rows it changed.
func (d dialect) advanceFeed(console string, p FeedProgress, changed int) []statement {
	out := []statement{{
		purpose: "record how far the activity feed is read",
		sql: `UPDATE activity_feeds SET watermark = CASE WHEN $2 > watermark THEN $2 ELSE watermark END,
			  read_at = $3, counted = CASE WHEN $4 = '' THEN counted ELSE $4 END, changed = changed + $5, entry = $6
			WHERE console = $1`,
		args: []any{console, microsOrZero(p.Watermark), micros(p.ReadAt), string(p.Counted), changed, p.Entry},
	}}
	out = append(out, d.keepSeen(console, p.Seen)...)
	return append(out, statement{
		purpose: "forget old activities",
		sql: `DELETE FROM activities_seen WHERE console = $1
			AND created_at < (SELECT f.watermark FROM activity_feeds f WHERE f.console = $1) - ` +
			fmt.Sprint(seenFor.Microseconds()),
		args: []any{console},
	})
}

func (d dialect) keepSeen(console string, seen []SeenActivity) []statement {
	rows := make([][]any, len(seen))
	for i, a := range seen {
		rows[i] = []any{console, a.ID, microsOrZero(a.At)}
	}
	return d.insertBatch(bulkInsert{
		what: "keep the ids of activities", into: "activities_seen (console, id, created_at)",
		types: []string{"text", "text", "bigint"}, conflict: "DO NOTHING",
	}, rows)
}

// UnknownIDs lists those of the ids that readers do not see in a collection, in their order.
func (s *Store) UnknownIDs(ctx context.Context, console string, c access.Collection, ids []string) ([]string, error) {
	known := map[string]bool{}
	query := s.d.probe("e.id, e.until", "entities e",
		"e.console = $1 AND e.collection = $2 AND "+promoted("e"), "e.id", "$3")
	args := []any{console, string(c), list(s.d, ids)}
	err := forEachRow(ctx, s.r, "look up ids", query, args, func(rows *sql.Rows) error {
		var id string
		var until sql.NullInt64
		err := rows.Scan(&id, &until)
		if !until.Valid {
			known[id] = true
		}
		return err
	})
	var out []string
	for _, id := range ids {
		if !known[id] {
			out = append(out, id)
		}
	}
	return out, s.explain(err)
}

// writtenSince lists "kind/id" of whom PrincipalsWrittenSince is about. Keys of the ledger's entries bound what is read
// of it.
const writtenSince = `SELECT c.principal_kind || '/' || c.principal_id AS subject FROM claims c
	WHERE c.console = $1 AND (c.began_at >= $2 OR c.closed_at >= $2)
	  AND c.principal_kind IN ('user', 'serviceUser') AND c.principal_id <> ''
	UNION SELECT l.subject FROM ledger l
	WHERE l.console = $1 AND l.seq > $3 AND l.kind IN ('write', 'answer', 'proof') AND l.subject <> ''
	ORDER BY subject LIMIT $4`

// PrincipalsWrittenSince lists the principals whose access requests of ours have changed since a time, by the claims,
// which package claims brings up to date, and those about whom the ledger has a write, its answer or its proof behind
// an entry: one that was recorded late has an earlier time. At most limit.
func (s *Store) PrincipalsWrittenSince(
	ctx context.Context, console string, since time.Time, entry int64, limit int,
) ([]PrincipalRef, error) {
	var out []PrincipalRef
	err := forEachRow(ctx, s.r, "read whose access requests have changed", writtenSince,
		[]any{console, micros(since), entry, limit}, func(rows *sql.Rows) error {
			var subject string
			err := rows.Scan(&subject)
			kind, id, _ := strings.Cut(subject, "/")
			out = append(out, PrincipalRef{Kind: access.Kind(kind), ID: id})
			return err
		})
	return out, s.explain(err)
}

// PrincipalsNamed finds the principals that readers see with an e-mail address, without regard to case, or else with
// exactly a name.
func (s *Store) PrincipalsNamed(ctx context.Context, console, email, name string) ([]PrincipalRef, error) {
	condition, value := "n.email_folded <> '' AND n.email_folded = %s", foldCase(email)
	if email == "" {
		condition, value = "n.name <> '' AND n.name = %s", name
	}
	found := map[principalKey]bool{}
	err := s.read(ctx, func(q queryer) error {
		v := view{q: q, d: s.d, console: console, at: math.MaxInt64}
		return v.findInto(ctx, found, v.named("", condition, value))
	})
	out := make([]PrincipalRef, 0, len(found))
	for k := range found {
		out = append(out, PrincipalRef{Kind: k.kind, ID: k.id})
	}
	slices.SortFunc(out, func(a, b PrincipalRef) int { return strings.Compare(a.ID, b.ID) })
	return out, err
}
