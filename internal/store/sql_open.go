package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"time"
)

// Store is a database of snapshots, the ledger and what requests keep. It is safe for use
// by many goroutines, and by many processes on one database.
type Store struct {
	w   *sql.DB // SQLite: one connection, since it has one writer at a time anyway
	r   *sql.DB // PostgreSQL: the same pool as w
	d   dialect
	now func() time.Time
	few int // fewRows, but for tests

	where  string // what errors call the database
	reader bool   // opened by OpenReader, on PostgreSQL

	busy atomic.Int64 // time.Duration spent inside transactions

	pages pageCache
	seals seals
}

// Busy is the time this process has spent inside transactions, without the wait for a
// connection. Transactions that ran in parallel both count.
func (s *Store) Busy() time.Duration { return time.Duration(s.busy.Load()) }

// measure adds the time until the returned function is called to Busy.
func (s *Store) measure() func() {
	began := time.Now()
	return func() { s.busy.Add(int64(time.Since(began))) }
}

// Open opens the database for writing, creates it if it does not exist and migrates it to
// the newest schema. The URL is sqlite://relative/path, sqlite:///absolute/path or a
// postgres:// (postgresql://) URL. The error says what is wrong with the URL, the path or
// the server, without the password; it is [ErrNewerSchema] if the database is newer than
// the program.
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

// OpenReader opens an existing database for reading. It neither creates nor migrates one:
// a missing, empty or older database is [ErrNotReady], a newer one [ErrNewerSchema]. The
// database refuses each write of it; a PostgreSQL role that may only SELECT is enough.
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
	if err := CheckURL(databaseURL); err != nil {
		return nil, err
	}
	if path, found := strings.CutPrefix(databaseURL, "sqlite://"); found {
		return openSQLite(ctx, path, reader)
	}
	return openPostgres(ctx, databaseURL, reader)
}

// Close ends all connections.
func (s *Store) Close() error {
	if s.r == s.w {
		return s.w.Close()
	}
	return errors.Join(s.r.Close(), s.w.Close())
}
