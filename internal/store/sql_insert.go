package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// bulkInsert describes an insert of many rows.
type bulkInsert struct {
	what     string
	into     string   // table and columns
	types    []string // text or bigint, per column
	conflict string   // the text after ON CONFLICT
}

// insert adds rows of string, int64 or *int64 values. PostgreSQL gets one statement over
// arrays; SQLite a prepared statement for a few rows at a time, which measured faster than
// single rows and than JSON.
func (d dialect) insert(ctx context.Context, tx *sql.Tx, b bulkInsert, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var err error
	if d.postgres {
		err = insertArrays(ctx, tx, b, rows)
	} else {
		err = insertInChunks(ctx, tx, b, rows)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", b.what, err)
	}
	return nil
}

// rowsPerInsert is the number of rows that one statement adds on SQLite: more is no faster.
const rowsPerInsert = 10

func insertInChunks(ctx context.Context, tx *sql.Tx, b bulkInsert, rows [][]any) error {
	whole := len(rows) - len(rows)%rowsPerInsert
	if err := insertChunks(ctx, tx, b, rows[:whole], rowsPerInsert); err != nil {
		return err
	}
	return insertChunks(ctx, tx, b, rows[whole:], 1)
}

// insertChunks adds rows n at a time; their number is a multiple of n.
func insertChunks(ctx context.Context, tx *sql.Tx, b bulkInsert, rows [][]any, n int) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.PrepareContext(ctx, b.values(n))
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

func insertArrays(ctx context.Context, tx *sql.Tx, b bulkInsert, rows [][]any) error {
	text, args := b.arrays(rows)
	_, err := tx.ExecContext(ctx, text, args...)
	return err
}

// arrays is the statement that inserts all rows on PostgreSQL, and its arguments.
func (b bulkInsert) arrays(rows [][]any) (text string, args []any) {
	marks := make([]string, len(b.types))
	args = make([]any, len(b.types))
	for i, typ := range b.types {
		marks[i] = fmt.Sprintf("$%d::%s[]", i+1, typ)
		args[i] = column(typ, rows, i)
	}
	from := "unnest(" + strings.Join(marks, ", ") + ")"
	return "INSERT INTO " + b.into + " SELECT * FROM " + from + " ON CONFLICT " + b.conflict, args
}

// insertBatch is insert as statements of a batch.
func (d dialect) insertBatch(b bulkInsert, rows [][]any) (out []statement) {
	if d.postgres {
		if len(rows) > 0 {
			text, args := b.arrays(rows)
			out = append(out, statement{purpose: b.what, sql: text, args: args})
		}
		return out
	}
	for some := range slices.Chunk(rows, rowsPerInsert) {
		out = append(out, statement{purpose: b.what, sql: b.values(len(some)), args: slices.Concat(some...)})
	}
	return out
}

// values is the statement that inserts n rows on SQLite.
func (b bulkInsert) values(n int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(b.types)), ",") + "),"
	return "INSERT INTO " + b.into + " VALUES " + strings.TrimSuffix(strings.Repeat(one, n), ",") +
		" ON CONFLICT " + b.conflict
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
