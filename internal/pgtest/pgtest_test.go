package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Each call creates another database.
func TestURL_IsFreshAndApart(t *testing.T) {
	t.Parallel()
	first, second := pgtest.URL(t), pgtest.URL(t)
	require.NotEqual(t, first, second)

	conn, err := pgx.Connect(t.Context(), first)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), "CREATE TABLE mine (id bigint)")
	require.NoError(t, err)

	other, err := pgx.Connect(t.Context(), second)
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close(t.Context())) }()
	var n int
	require.NoError(
		t,
		other.QueryRow(t.Context(), "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'mine'").Scan(&n),
	)
	require.Zero(t, n)
}

// The database is dropped when its test ends, even with open connections.
func TestURL_IsDropped(t *testing.T) { //nolint:tparallel // its part must end before the check
	t.Parallel()
	var gone string
	t.Run("asks", func(t *testing.T) {
		gone = pgtest.URL(t)
		conn, err := pgx.Connect(t.Context(), gone)
		require.NoError(t, err)
		require.NoError(t, conn.Ping(t.Context()))
	})
	if gone == "" {
		t.Skip("PostgreSQL is not installed")
	}
	_, err := pgx.Connect(t.Context(), gone)
	require.ErrorContains(t, err, "does not exist")
}
