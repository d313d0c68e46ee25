package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Store is a database of snapshots. It is safe for use by many goroutines, and by
// many processes on one database.
type Store struct {
	w   *sql.DB // one connection for SQLite: it has one writer at a time anyway
	r   *sql.DB // the same pool as w for PostgreSQL
	d   dialect
	now func() time.Time

	busy atomic.Int64 // time.Duration inside transactions

	pages pageCache
}

// Busy is how long this process has kept the database busy with transactions,
// waiting for a turn not counted. Transactions that ran side by side both count.
func (s *Store) Busy() time.Duration { return time.Duration(s.busy.Load()) }

// measure adds the time until the returned function is called to Busy.
func (s *Store) measure() func() {
	began := time.Now()
	return func() { s.busy.Add(int64(time.Since(began))) }
}

// Open opens the database for writing, creates it where it does not exist and
// brings its schema up to date. The URL is sqlite://relative/path,
// sqlite:///absolute/path or a postgres:// (postgresql://) URL. The error says in a
// sentence what is wrong with the URL, the path or the server, never with the
// password in it; it is [ErrNewerSchema] when the database is newer than the
// program.
func Open(ctx context.Context, databaseURL string) (*Store, error) {
	s, err := connect(ctx, databaseURL, false)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// OpenReader opens an existing database for reading. It neither creates nor
// migrates one: a missing or empty database is [ErrNotReady].
func OpenReader(ctx context.Context, databaseURL string) (*Store, error) {
	s, err := connect(ctx, databaseURL, true)
	if err != nil {
		return nil, err
	}
	if err := s.checkSchema(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connect(ctx context.Context, databaseURL string, reader bool) (*Store, error) {
	scheme, rest, found := strings.Cut(databaseURL, "://")
	switch {
	case found && scheme == "sqlite":
		return openSQLite(ctx, rest, reader)
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return openPostgres(ctx, databaseURL)
	}
	return nil, errors.New("the database URL is not understood: " +
		"it begins with sqlite:// (a file) or postgres:// (a server)")
}

// Close ends all connections.
func (s *Store) Close() error {
	if s.r == s.w {
		return s.w.Close()
	}
	return errors.Join(s.r.Close(), s.w.Close())
}

// queryer is what reads need: a transaction or a pool.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// beginner is where a transaction can begin: a pool or one connection of it.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// write runs fn in one transaction that may write.
func (s *Store) write(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return s.transact(ctx, s.w, fn)
}

// writeOn is write for what can do more with PostgreSQL than database/sql offers.
func (s *Store) writeOn(ctx context.Context, fn func(t *txn) error) error {
	conn, err := s.w.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() { _ = conn.Close() }() // gives it back
	return s.transact(ctx, conn, func(tx *sql.Tx) error { return fn(&txn{Tx: tx, d: s.d, conn: conn}) })
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

// read runs fn on one unchanging view of the database.
func (s *Store) read(ctx context.Context, fn func(q queryer) error) error {
	tx, err := s.r.BeginTx(ctx, s.d.readOptions())
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer s.measure()()
	defer func() { _ = tx.Rollback() }() // nothing was written
	return fn(tx)
}

// exec runs one statement and returns how many rows it touched.
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

// each calls scan for every row of a query.
func each(ctx context.Context, q queryer, what, query string, args []any, scan func(rows *sql.Rows) error) error {
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

func micros(t time.Time) int64 { return t.UnixMicro() }

func microsOrNil(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	us := micros(*t)
	return &us
}

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

func timeOrZero(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicros(us.Int64)
}

func intOrNil(n sql.NullInt64) *int {
	if !n.Valid {
		return nil
	}
	v := int(n.Int64)
	return &v
}
