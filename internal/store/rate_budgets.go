package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// SharesBudgets says that [Store.TakeBudget] works: on PostgreSQL.
func (s *Store) SharesBudgets() bool { return s.d.postgres }

// TakeBudget books the next n requests of a console's budget, each spacing after the one before, and
// returns when the first may be sent: relative to now, by the database's clock, and at most by rested
// in the past. All processes that use the database book one after the other. It is one round trip, and
// does not wait for the disk.
func (s *Store) TakeBudget(
	ctx context.Context, console, prefix string, n int, spacing, rested time.Duration,
) (time.Duration, error) {
	if !s.d.postgres {
		return 0, errors.New("share a rate budget: only PostgreSQL is for several workers")
	}
	var first int64
	err := s.w.QueryRowContext(ctx, `INSERT INTO rate_budgets AS b (console, prefix, next_at, at)
		SELECT $1, $2, now.at - $4::bigint + $3::bigint, now.at FROM (SELECT `+s.d.nowMicros()+` AS at) now
		ON CONFLICT (console, prefix) DO UPDATE
		SET next_at = GREATEST(b.next_at, excluded.at - $4::bigint) + $3::bigint, at = excluded.at
		RETURNING next_at - $3::bigint - at`,
		console, prefix, (time.Duration(n) * spacing).Microseconds(), rested.Microseconds()).Scan(&first)
	if err != nil {
		return 0, s.explain(fmt.Errorf("book requests of the rate budget of %s: %w", prefix, err))
	}
	return time.Duration(first) * time.Microsecond, nil
}
