package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"

	"sentinelone-provisioner/internal/access"
)

// view is what readers see of one console at one time.
type view struct {
	q       queryer
	d       dialect
	console string
	at      int64 // microseconds since 1970; math.MaxInt64 for now
}

// query begins a statement with the console as $1 and the time as $2.
func (v view) query(text string) *query {
	q := &query{args: []any{v.console, v.at}}
	q.text.WriteString(text)
	return q
}

// provenSnapshots are the snapshots whose rows a view sees.
const provenSnapshots = `(SELECT v.seq FROM snapshots v
		WHERE v.console = $1 AND v.state = 'promoted' AND v.promoted_at <= $2)`

// sees is the condition that a row of alias is visible at the view's time.
func (v view) sees(alias string) string {
	began := alias + ".console = $1 AND " + alias + ".since IN " + provenSnapshots + " AND "
	if v.at == math.MaxInt64 { // only promotions close rows, so this is exact and uses the partial index
		return began + alias + ".until IS NULL"
	}
	return began + "(" + alias + ".until IS NULL OR " + alias + ".until NOT IN " + provenSnapshots + ")"
}

// entities calls fn with the rows of one collection, sorted by id.
func (v view) entities(
	ctx context.Context, c access.Collection, fn func(doc []byte, lastActive sql.NullInt64) error,
) error {
	q := v.query("SELECT e.doc, e.last_active FROM entities e WHERE " + v.sees("e"))
	q.add(" AND e.collection = %s ORDER BY e.id", string(c))
	return forEachRow(ctx, v.q, "read "+string(c), q.text.String(), q.args, func(rows *sql.Rows) error {
		var doc []byte
		var lastActive sql.NullInt64
		if err := rows.Scan(&doc, &lastActive); err != nil {
			return err
		}
		return fn(doc, lastActive)
	})
}

// decodeDoc decodes documents for fn.
func decodeDoc[T any](fn func(T) error) func(doc []byte, lastActive sql.NullInt64) error {
	return func(doc []byte, _ sql.NullInt64) error {
		var value T
		if err := json.Unmarshal(doc, &value); err != nil {
			return fmt.Errorf("decode a stored %T: %w", value, err)
		}
		return fn(value)
	}
}
