package store

import (
	"context"
	"database/sql"
	"time"
)

// DB is the pool that tests use to count rows.
func (s *Store) DB() *sql.DB { return s.w }

// Durably runs fn in a transaction as Append does.
func (s *Store) Durably(ctx context.Context, console string, fn func(tx *sql.Tx) error) error {
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		if err := s.d.lockLedger(ctx, tx, console); err != nil {
			return err
		}
		return fn(tx)
	})
}

// SetClock replaces the clock.
func (s *Store) SetClock(now func() time.Time) { s.now = now }
