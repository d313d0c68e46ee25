package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// version is one row of entities.
type version struct {
	rowID      int64
	digest     string
	lastActive sql.NullInt64
}

// versions are what the tables hold of one id: what readers see, and what this
// snapshot has received.
type versions struct{ base, pending *version }

// known looks up the ids of a chunk. Closed rows are left out here and not in the
// query: it would else look tempting to read every open row by the index on those.
func (l *loading) known(ctx context.Context, rows []row) (map[string]versions, error) {
	out := make(map[string]versions, len(rows))
	query, args := l.lookUp(rows)
	err := each(ctx, l.t.Tx, "look up known rows", query, args,
		func(rows *sql.Rows) error {
			var id string
			var since int64
			var until sql.NullInt64
			var v version
			if err := rows.Scan(&id, &v.rowID, &since, &until, &v.digest, &v.lastActive); err != nil || until.Valid {
				return err
			}
			both := out[id]
			if since == l.snap.seq {
				both.pending = &v
			} else {
				both.base = &v
			}
			out[id] = both
			return nil
		})
	return out, err
}

// lookUp selects what is known of the rows' ids. Rows that come in the order of their
// ids, as they are asked for, are neighbours in the index too, so one walk along it
// finds them; others are looked up one by one. What else lies on the way does no harm.
func (l *loading) lookUp(rows []row) (string, []any) {
	const columns = "e.id, e.row_id, e.since, e.until, e.digest, e.last_active"
	where := "e.console = $1 AND e.collection = $2 AND (e.since = $3 OR " + promoted("e") + ")"
	args := []any{l.snap.console, string(l.c), l.snap.seq}
	if slices.IsSortedFunc(rows, func(a, b row) int { return strings.Compare(a.id, b.id) }) && len(rows) > 0 {
		return "SELECT " + columns + " FROM entities e WHERE " + where + " AND e.id >= $4 AND e.id <= $5",
			append(args, rows[0].id, rows[len(rows)-1].id)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	return l.s.d.probe(columns, "entities e", where, "e.id", "$4"), append(args, list(l.s.d, ids))
}

// promoted is the condition that readers see rows which began with alias.since.
func promoted(alias string) string {
	return `EXISTS (SELECT 1 FROM snapshots v WHERE v.seq = ` + alias + `.since AND v.state = 'promoted')`
}
