package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// txn is a transaction, and the connection it has to itself.
type txn struct {
	*sql.Tx

	d    dialect
	conn *sql.Conn
}

// step is one statement of several that do not need each other's results.
type step struct {
	what, query string
	args        []any
	read        func(row scanner) error // the one row of a query; nil for a statement
	touched     *int64                  // if set, gets how many rows the statement touched
}

// together runs steps in their order. PostgreSQL gets them all at once, so that they
// cost the way there and back only once; the first that fails ends it.
func (t *txn) together(ctx context.Context, steps ...step) error {
	if t.d.postgres {
		return t.raw(func(pg *pgx.Conn) error { return pipeline(ctx, pg, steps) })
	}
	for _, s := range steps {
		if s.read != nil {
			if err := s.read(t.QueryRowContext(ctx, s.query, s.args...)); err != nil {
				return s.failed(err)
			}
			continue
		}
		n, err := exec(ctx, t.Tx, s.what, s.query, s.args...)
		if err != nil {
			return err
		}
		s.note(n)
	}
	return nil
}

func pipeline(ctx context.Context, pg *pgx.Conn, steps []step) (err error) {
	batch := &pgx.Batch{}
	for _, s := range steps {
		batch.Queue(s.query, s.args...)
	}
	answers := pg.SendBatch(ctx, batch)
	defer func() {
		if end := answers.Close(); err == nil { // else it is the same error again
			err = end
		}
	}()
	for _, s := range steps {
		if s.read != nil {
			if err := s.read(answers.QueryRow()); err != nil {
				return s.failed(err)
			}
			continue
		}
		done, err := answers.Exec()
		if err != nil {
			return s.failed(err)
		}
		s.note(done.RowsAffected())
	}
	return nil
}

func (s step) failed(err error) error { return fmt.Errorf("%s: %w", s.what, err) }

func (s step) note(n int64) {
	if s.touched != nil {
		*s.touched = n
	}
}

// raw lends the connection to what database/sql has no words for.
func (t *txn) raw(use func(pg *pgx.Conn) error) error {
	return t.conn.Raw(func(driver any) error {
		pg, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a %T is no connection to PostgreSQL", driver)
		}
		return use(pg.Conn())
	})
}
