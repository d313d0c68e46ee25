package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// Two processes book one budget: nobody's slot is another's, a budget that has rested gives its burst
// and no more, and another console, or another path, has a budget of its own.
func TestTakeBudget(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	both := []*store.Store{open(t, url), open(t, url)}
	const spacing, rested = time.Minute, 9 * time.Minute // long, so that the test's own time does not count
	take := func(s *store.Store, console, prefix string, n int) time.Duration {
		t.Helper()
		first, err := s.TakeBudget(t.Context(), console, prefix, n, spacing, rested)
		require.NoError(t, err)
		return first.Round(spacing)
	}
	require.Equal(t, -rested, take(both[0], acme, "/users", 4))
	require.Equal(t, 4*spacing-rested, take(both[1], acme, "/users", 5))
	require.Equal(t, time.Duration(0), take(both[0], acme, "/users", 3), "the tenth request goes now")
	require.Equal(t, 3*spacing, take(both[1], acme, "/users", 1))
	require.Equal(t, -rested, take(both[0], acme, "/sites", 1))
	require.Equal(t, -rested, take(both[0], "other.example.com", "/users", 1))

	_, err := both[0].DB().ExecContext(t.Context(), "UPDATE rate_budgets SET next_at = next_at - 3600000000")
	require.NoError(t, err)
	require.Equal(t, -rested, take(both[1], acme, "/users", 1), "an hour of rest is worth no more than the burst")
}

// SQLite has nothing to share.
func TestTakeBudget_SQLite(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t))
	require.False(t, s.SharesBudgets())
	_, err := s.TakeBudget(t.Context(), acme, "/users", 1, time.Second, time.Second)
	require.ErrorContains(t, err, "only PostgreSQL is for several workers")
}
