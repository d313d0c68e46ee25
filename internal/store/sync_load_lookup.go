package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// version is one row of the table entities.
type version struct {
	rowID      int64
	digest     string
	lastActive sql.NullInt64
}

// versions are the stored rows of one id: base is the one that readers see, pending the
// one that this snapshot has received. Either may be nil.
type versions struct{ base, pending *version }

// lookUpVersions reads the versions of the ids in a chunk. It drops closed rows here and
// not in the query: with that condition the planner would choose the index on open rows
// and read all of them.
func (l *pageLoad) lookUpVersions(ctx context.Context, rows []row) (map[string]versions, error) {
	out := make(map[string]versions, len(rows))
	query, args := l.versionsQuery(rows)
	err := forEachRow(ctx, l.t.Tx, "look up stored versions", query, args,
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

// versionsQuery selects the versions of the rows' ids. Rows usually come in the order of
// their ids, so one range scan of the index finds them all; it may return other ids, which
// do no harm. Unsorted ids, and the few of a delta sync, are looked up one by one.
func (l *pageLoad) versionsQuery(rows []row) (string, []any) {
	const columns = "e.id, e.row_id, e.since, e.until, e.digest, e.last_active"
	where := "e.console = $1 AND e.collection = $2 AND (e.since = $3 OR " + promoted("e") + ")"
	args := []any{l.snap.console, string(l.c), l.snap.seq}
	sorted := slices.IsSortedFunc(rows, func(a, b row) int { return strings.Compare(a.id, b.id) })
	if sorted && len(rows) > 0 && !l.snap.delta {
		return "SELECT " + columns + " FROM entities e WHERE " + where + " AND e.id >= $4 AND e.id <= $5",
			append(args, rows[0].id, rows[len(rows)-1].id)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.id
	}
	return l.s.d.probe(columns, "entities e", where, "e.id", "$4"), append(args, list(l.s.d, ids))
}

// promoted is the condition that the snapshot in alias.since is promoted, so readers see
// the row.
func promoted(alias string) string {
	return `EXISTS (SELECT 1 FROM snapshots v WHERE v.seq = ` + alias + `.since AND v.state = 'promoted')`
}
