package store

import (
	"database/sql"
	"time"
)

// DB is the connection that tests count rows with.
func (s *Store) DB() *sql.DB { return s.w }

// SetClock replaces the clock.
func (s *Store) SetClock(now func() time.Time) { s.now = now }
