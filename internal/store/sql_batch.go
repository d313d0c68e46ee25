package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// txn is a transaction on a connection of its own.
type txn struct {
	*sql.Tx

	d    dialect
	conn *sql.Conn
}

// statement is one SQL statement of a batch. It does not need the results of the others.
type statement struct {
	purpose, sql string
	args         []any
	scan         func(row scanner) error // scans the one row of a query; nil if it returns no rows
	affected     *int64                  // if set, receives the number of affected rows
}

// execBatch runs statements in order and stops at the first error. PostgreSQL gets all of
// them in one round trip.
func (t *txn) execBatch(ctx context.Context, statements ...statement) error {
	if t.d.postgres {
		return t.withPgx(func(pg *pgx.Conn) error { return sendBatch(ctx, pg, statements) })
	}
	for _, s := range statements {
		if s.scan != nil {
			if err := s.scan(t.QueryRowContext(ctx, s.sql, s.args...)); err != nil {
				return s.wrap(err)
			}
			continue
		}
		n, err := exec(ctx, t.Tx, s.purpose, s.sql, s.args...)
		if err != nil {
			return err
		}
		s.setAffected(n)
	}
	return nil
}

func sendBatch(ctx context.Context, pg *pgx.Conn, statements []statement) (err error) {
	batch := &pgx.Batch{}
	for _, s := range statements {
		batch.Queue(s.sql, s.args...)
	}
	answers := pg.SendBatch(ctx, batch)
	defer func() {
		if end := answers.Close(); err == nil { // else it is the same error again
			err = end
		}
	}()
	for _, s := range statements {
		if s.scan != nil {
			if err := s.scan(answers.QueryRow()); err != nil {
				return s.wrap(err)
			}
			continue
		}
		done, err := answers.Exec()
		if err != nil {
			return s.wrap(err)
		}
		s.setAffected(done.RowsAffected())
	}
	return nil
}

func (s statement) wrap(err error) error { return fmt.Errorf("%s: %w", s.purpose, err) }

func (s statement) setAffected(n int64) {
	if s.affected != nil {
		*s.affected = n
	}
}

// withPgx calls use with the pgx connection, for what database/sql does not offer.
func (t *txn) withPgx(use func(conn *pgx.Conn) error) error {
	return t.conn.Raw(func(driverConn any) error {
		conn, ok := driverConn.(interface{ pgx() *pgx.Conn })
		if !ok {
			return fmt.Errorf("use the pgx connection: the driver's connection is a %T, want *pgConn", driverConn)
		}
		return use(conn.pgx())
	})
}
