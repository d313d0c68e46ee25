package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// queryer runs queries: a transaction or a pool.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// beginner begins transactions: a pool or one connection of it.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// write runs fn in one writing transaction. What it wrote survives a kill of this process, but a crash
// of the database's machine may lose it: see [Store.writeDurably] for what others are told.
func (s *Store) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	err := s.transact(ctx, s.w, fn)
	s.leaveStandby(err)
	return s.explain(err)
}

// writeOn is write on a connection of its own, for batches and COPY on PostgreSQL.
func (s *Store) writeOn(ctx context.Context, fn func(t *txn) error) error {
	return s.onConn(ctx, func(conn *sql.Conn) error {
		return s.transact(ctx, conn, func(tx *sql.Tx) error { return fn(&txn{Tx: tx, d: s.d, conn: conn}) })
	})
}

// onConn runs fn with a connection of its own.
func (s *Store) onConn(ctx context.Context, fn func(conn *sql.Conn) error) error {
	conn, err := s.w.Conn(ctx)
	if err != nil {
		return s.explain(fmt.Errorf("begin a transaction: %w", err))
	}
	err = fn(conn)
	_ = conn.Close() // gives it back
	s.leaveStandby(err)
	return s.explain(err)
}

func (s *Store) transact(ctx context.Context, on beginner, fn func(tx *sql.Tx) error) error {
	tx, err := on.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer s.measure()()
	if err := fn(tx); err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// read runs fn in one read-only transaction that sees one consistent state.
func (s *Store) read(ctx context.Context, fn func(q queryer) error) error {
	tx, err := s.r.BeginTx(ctx, s.d.readOptions())
	if err != nil {
		return s.explain(fmt.Errorf("begin to read: %w", err))
	}
	defer s.measure()()
	defer func() { _ = tx.Rollback() }() // nothing was written
	return s.explain(fn(tx))
}

// exec runs one statement and returns the number of affected rows. what says in errors
// what the statement is for.
func exec(ctx context.Context, tx *sql.Tx, what, query string, args ...any) (int64, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return n, nil
}

// forEachRow calls scan for every row of a query.
func forEachRow(ctx context.Context, q queryer, what, query string, args []any, scan func(rows *sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func count(ctx context.Context, q queryer, what, query string, args ...any) (int, error) {
	var n int
	if err := q.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return n, nil
}

// query is a statement under construction, with its arguments.
type query struct {
	text strings.Builder
	args []any
}

// add appends text, in which each %s stands for the next of the values.
func (q *query) add(text string, values ...any) {
	marks := make([]any, len(values))
	for i, v := range values {
		q.args = append(q.args, v)
		marks[i] = fmt.Sprintf("$%d", len(q.args))
	}
	fmt.Fprintf(&q.text, text, marks...)
}
