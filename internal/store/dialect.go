package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// dialect is where the two databases differ. Everything else is the same SQL:
// SQLite understands $1 as PostgreSQL does.
type dialect struct {
	postgres bool
}

// readOptions makes every statement of a reading transaction see the same state.
// SQLite's write-ahead log does so by itself.
func (d dialect) readOptions() *sql.TxOptions {
	if d.postgres {
		return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return nil
}

// in is the condition that a text column is one of the list bound to param.
func (d dialect) in(column, param string) string {
	if d.postgres {
		return column + " = ANY(" + param + "::text[])"
	}
	return column + " IN (SELECT value FROM json_each(" + param + "))"
}

// probe selects the rows of a list of ids, one index lookup each. PostgreSQL needs to
// be told: without statistics it takes the columns before the id to leave one row, and
// reads a hundred thousand.
func (d dialect) probe(columns, from, where, idColumn, param string) string {
	if d.postgres {
		return "SELECT p.* FROM unnest(" + param + "::text[]) AS k(id) CROSS JOIN LATERAL (SELECT " + columns +
			" FROM " + from + " WHERE " + where + " AND " + idColumn + " = k.id OFFSET 0) p"
	}
	return "SELECT " + columns + " FROM " + from + " WHERE " + where + " AND " + d.in(idColumn, param)
}

// inRows is the condition that a row number is one of the list bound to param.
func (d dialect) inRows(column, param string) string {
	if d.postgres {
		return column + " = ANY(" + param + "::bigint[])"
	}
	return column + " IN (SELECT value FROM json_each(" + param + "))"
}

// list binds a list for in and inRows.
func list[T string | int64](d dialect, values []T) any {
	if values == nil {
		values = []T{}
	}
	if d.postgres {
		return values
	}
	b, _ := json.Marshal(values) // strings and integers always encode
	return string(b)
}

// lockMode is what a transaction does to a drain, and so with whom it can share it.
type lockMode string

const (
	alone        lockMode = " FOR UPDATE OF "        // begins anew, promotes or drops: nobody beside it
	saving       lockMode = " FOR NO KEY UPDATE OF " // saves a page: one at a time, beside loading
	besideSaving lockMode = " FOR KEY SHARE OF "     // loads a page: the next one may be saved meanwhile
)

// lock locks the chosen rows of alias. SQLite has one writer at a time.
func (d dialect) lock(alias string, l lockMode) string {
	if d.postgres {
		return string(l) + alias
	}
	return ""
}

// lockConsole lets one transaction at a time decide about a console, and has it reach
// the disk before anybody is told. All others are confirmed sooner: they can be
// repeated, and since transactions reach the disk in their order, one that was told
// never lacks one before it.
func (d dialect) lockConsole(ctx context.Context, tx *sql.Tx, console string) error {
	return d.takeTurn(ctx, tx, "sentinelone "+console)
}

// lockLedger lets one transaction at a time append to a console's chain, and has it
// reach the disk before anybody is told. It is not the lock of lockConsole: a promotion,
// which takes seconds where much has changed, must not hold up a grant.
func (d dialect) lockLedger(ctx context.Context, tx *sql.Tx, console string) error {
	return d.takeTurn(ctx, tx, "sentinelone-ledger "+console)
}

func (d dialect) takeTurn(ctx context.Context, tx *sql.Tx, of string) error {
	if !d.postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, `SELECT set_config('synchronous_commit', 'on', true),
		pg_advisory_xact_lock(hashtextextended($1, 0))`, of)
	if err != nil {
		return fmt.Errorf("wait for the console's turn: %w", err)
	}
	return nil
}

// bulk describes an insert of many rows.
type bulk struct {
	what     string
	into     string   // table and columns
	types    []string // text or bigint, per column
	conflict string   // what follows ON CONFLICT
}

// insert adds rows of string, int64 or *int64 values. PostgreSQL takes them as one
// statement over arrays; SQLite a few at a time, through one prepared
// statement, which measured faster than one by one and than JSON.
func (d dialect) insert(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var err error
	if d.postgres {
		err = insertArrays(ctx, tx, b, rows)
	} else {
		err = insertEach(ctx, tx, b, rows)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", b.what, err)
	}
	return nil
}

// rowsAtOnce is how many rows one statement of SQLite adds: more gains nothing.
const rowsAtOnce = 10

func insertEach(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) error {
	whole := len(rows) - len(rows)%rowsAtOnce
	if err := insertBy(ctx, tx, b, rows[:whole], rowsAtOnce); err != nil {
		return err
	}
	return insertBy(ctx, tx, b, rows[whole:], 1)
}

// insertBy adds rows n at a time; their number is a multiple of n.
func insertBy(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any, n int) error {
	if len(rows) == 0 {
		return nil
	}
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(b.types)), ",") + "),"
	marks := strings.TrimSuffix(strings.Repeat(one, n), ",")
	stmt, err := tx.PrepareContext(ctx, "INSERT INTO "+b.into+" VALUES "+marks+" ON CONFLICT "+b.conflict)
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }() // ends with the transaction in any case
	args := make([]any, 0, n*len(b.types))
	for some := range slices.Chunk(rows, n) {
		args = args[:0]
		for _, row := range some {
			args = append(args, row...)
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func insertArrays(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) error {
	marks := make([]string, len(b.types))
	args := make([]any, len(b.types))
	for i, typ := range b.types {
		marks[i] = fmt.Sprintf("$%d::%s[]", i+1, typ)
		args[i] = column(typ, rows, i)
	}
	_, err := tx.ExecContext(ctx,
		"INSERT INTO "+b.into+" SELECT * FROM unnest("+strings.Join(marks, ", ")+") ON CONFLICT "+b.conflict, args...)
	return err
}

func column(typ string, rows [][]any, i int) any {
	if typ == "text" {
		out := make([]string, len(rows))
		for j, row := range rows {
			out[j], _ = row[i].(string)
		}
		return out
	}
	out := make([]*int64, len(rows))
	for j, row := range rows {
		switch v := row[i].(type) {
		case int64:
			out[j] = &v
		case *int64:
			out[j] = v
		}
	}
	return out
}
