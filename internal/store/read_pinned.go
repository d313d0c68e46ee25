package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Pinned reads what readers saw of one console when one snapshot was promoted. Promotions since then change nothing
// about its answers, but for last activity, which is not versioned. Its lists are read page by page, from a key on, so
// that no list is held whole: a page begins after the key, and the next one after the last key of this one. Names in
// comments are sorted by bytes.
type Pinned struct {
	s        *Store
	q        queryer
	snapshot Snapshot
	record   func(statement string, args []any) // for tests
}

// PinnedTo reads as of the promotion of a snapshot. It is [ErrNoSnapshot] if the console has none of that id that is
// proven.
func (s *Store) PinnedTo(ctx context.Context, console, id string) (*Pinned, error) {
	snap, err := provenOne(ctx, s.r, "find snapshot "+id, `console = $1 AND id = $2`, console, id)
	if err != nil {
		return nil, s.explain(err)
	}
	if snap == nil {
		return nil, fmt.Errorf("snapshot %s of %s is not proven, or the database does not have it: %w",
			id, console, ErrNoSnapshot)
	}
	return &Pinned{s: s, q: s.r, snapshot: *snap}, nil
}

// ProvenAfter is the first snapshot of a console that was proven after a time, promoted or unchanged; nil for none.
func (s *Store) ProvenAfter(ctx context.Context, console string, after time.Time) (*Snapshot, error) {
	snap, err := provenOne(ctx, s.r, "find the next snapshot of "+console, `console = $1 AND promoted_at > $2`,
		console, micros(after))
	return snap, s.explain(err)
}

func provenOne(ctx context.Context, q queryer, what, where string, args ...any) (*Snapshot, error) {
	var out *Snapshot
	err := forEachRow(ctx, q, what, `SELECT `+snapshotColumns+` FROM snapshots
		WHERE `+where+` AND state IN ('promoted', 'unchanged') ORDER BY promoted_at LIMIT 1`, args,
		func(rows *sql.Rows) error {
			snap, err := scanSnapshot(rows)
			out = &snap
			return err
		})
	return out, err
}

// Snapshot is the snapshot that the reader is pinned to.
func (p *Pinned) Snapshot() Snapshot { return p.snapshot }

func (p *Pinned) view() view {
	return view{q: p.q, d: p.s.d, console: p.snapshot.Console, at: micros(p.snapshot.PromotedAt)}
}

// page calls scan with the rows of one page of a list, which the index has in the order of the list.
func (p *Pinned) page(ctx context.Context, what string, q *query, scan func(rows *sql.Rows) error) error {
	if !p.s.d.postgres {
		return p.s.explain(forEachRow(ctx, p.q, what, q.text.String(), q.args, scan))
	}
	return p.s.read(ctx, func(tx queryer) error {
		if p.record != nil {
			p.record(q.text.String(), q.args)
		}
		if _, err := count(ctx, tx, what, followIndex); err != nil {
			return err
		}
		return forEachRow(ctx, tx, what, q.text.String(), q.args, scan)
	})
}

// followIndex keeps PostgreSQL, for one transaction, from reading and sorting the rest of a console for each page. It
// takes the rest for a few rows, as long as it has no statistics of a console that has just been synced first.
const followIndex = `SELECT length(set_config('enable_sort', 'off', true)) +
	length(set_config('enable_bitmapscan', 'off', true)) + length(set_config('enable_seqscan', 'off', true))`

// sees is [view.sees] for pages. PostgreSQL must not make a join of it, which is in no order.
func (p *Pinned) sees(alias string) string {
	v := p.view()
	if !v.d.postgres {
		return v.sees(alias)
	}
	return alias + ".console = $1 AND (" + alias + ".since IN " + provenSnapshots + ") IS TRUE AND (" + alias +
		".until IS NULL OR " + alias + ".until NOT IN " + provenSnapshots + ")"
}

// Accounts lists at most limit accounts whose id comes after one, sorted by id.
func (p *Pinned) Accounts(ctx context.Context, after string, limit int) ([]access.Account, error) {
	return entitiesAfter(ctx, p, access.Accounts, after, limit, decoded[access.Account])
}

// Sites lists at most limit sites whose id comes after one, sorted by id.
func (p *Pinned) Sites(ctx context.Context, after string, limit int) ([]access.Site, error) {
	return entitiesAfter(ctx, p, access.Sites, after, limit, decoded[access.Site])
}

// Roles lists at most limit roles whose id comes after one, sorted by id.
func (p *Pinned) Roles(ctx context.Context, after string, limit int) ([]access.Role, error) {
	return entitiesAfter(ctx, p, access.Roles, after, limit, decoded[access.Role])
}

// Principals lists at most limit principals of a kind whose id comes after one, sorted by id, without the roles that
// they hold.
func (p *Pinned) Principals(
	ctx context.Context, kind access.Kind, after string, limit int,
) ([]access.Principal, error) {
	return entitiesAfter(ctx, p, access.Principal{Kind: kind}.In(), after, limit, decodedPrincipal)
}

func entitiesAfter[T any](
	ctx context.Context, p *Pinned, c access.Collection, after string, limit int,
	decode func(doc []byte, lastActive sql.NullInt64) (T, error),
) ([]T, error) {
	v := p.view()
	q := v.query("SELECT e.doc, e.last_active FROM entities e WHERE " + p.sees("e"))
	q.add(" AND e.collection = %s AND e.id > %s ORDER BY e.id LIMIT %s", string(c), after, limit)
	out := make([]T, 0, limit)
	err := p.page(ctx, "read "+string(c), q, func(rows *sql.Rows) error {
		var doc []byte
		var lastActive sql.NullInt64
		if err := rows.Scan(&doc, &lastActive); err != nil {
			return err
		}
		one, err := decode(doc, lastActive)
		out = append(out, one)
		return err
	})
	return out, err
}

func decoded[T any](doc []byte, _ sql.NullInt64) (out T, err error) {
	if err := json.Unmarshal(doc, &out); err != nil {
		return out, fmt.Errorf("decode a stored %T: %w", out, err)
	}
	return out, nil
}

func decodedPrincipal(doc []byte, lastActive sql.NullInt64) (out access.Principal, err error) {
	err = decodePrincipal(func(p access.Principal) error {
		out = p
		return nil
	})(doc, lastActive)
	return out, err
}
