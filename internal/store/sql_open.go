package store

import (
	"context"
	"database/sql"
	"errors"
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
