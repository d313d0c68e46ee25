package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// Through pgbouncer in transaction mode, where all share two connections to the server: a second
// start works, what two processes do beside each other is right, and another program of the same
// pgbouncer finds neither our settings, nor prepared statements, nor locks.
func TestPgbouncer(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	url := pgtest.Bouncer(t, direct, 2)
	first, second := open(t, url), open(t, url)
	requireUntouchedSessions(t, url)

	var all errgroup.Group
	for i, s := range []*store.Store{first, second} {
		console, id := fmt.Sprintf("c%d.example.com", i), fmt.Sprintf("s%d", i)
		all.Go(func() error {
			syncOnce(t, s, console, id, smallWorld())
			for n := range 20 {
				lock, err := s.LockPrincipal(t.Context(), console, "user/401")
				if err != nil {
					return err
				}
				entry := note(fmt.Sprintf("grant/%d-%d", i, n), "request", n)
				if _, err := s.Append(t.Context(), acme, entry); err != nil {
					return err
				}
				if err := lock.Release(t.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	for i, s := range []*store.Store{second, first} {
		require.Equal(t, expected(smallWorld()), export(t, s, fmt.Sprintf("c%d.example.com", i), nil))
	}
	require.Len(t, walked(t, second, acme), 40)
	requireUntouchedSessions(t, url)

	third := open(t, url)
	syncOnce(t, third, "c0.example.com", "again", smallWorld())
	requireUntouchedSessions(t, url)
}

// A reader reads through pgbouncer, writes nothing, and leaves no session behind in which others could not write.
func TestPgbouncer_Reader(t *testing.T) {
	t.Parallel()
	url := pgtest.Bouncer(t, pgtest.URL(t), 2)
	s := open(t, url)
	syncOnce(t, s, acme, "s1", smallWorld())
	requireReads(t, url)
	requireUntouchedSessions(t, url)
	syncOnce(t, s, "c1.example.com", "s2", smallWorld())
}

// requireUntouchedSessions looks at the connections of pgbouncer's as another program would.
func requireUntouchedSessions(t *testing.T, url string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	other := []pgx.Tx{}
	for range 2 { // both connections at once
		conn, err := pgx.ConnectConfig(t.Context(), cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close(t.Context())) }()
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		other = append(other, tx)
	}
	for _, tx := range other {
		var statements, locks int
		var nestloop, jit, plans, commit, readOnly string
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT (SELECT COUNT(*) FROM pg_prepared_statements),
			(SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'
			   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
			current_setting('enable_nestloop'), current_setting('jit'), current_setting('plan_cache_mode'),
			current_setting('synchronous_commit'), current_setting('default_transaction_read_only')`).
			Scan(&statements, &locks, &nestloop, &jit, &plans, &commit, &readOnly))
		// The server of tests has synchronous_commit=off.
		require.Equal(t, []any{0, 0, "on", "on", "auto", "off", "off"},
			[]any{statements, locks, nestloop, jit, plans, commit, readOnly})
		require.NoError(t, tx.Rollback(t.Context()))
	}
}

// Processes that migrate an empty database at the same time through pgbouncer wait for each other.
func TestPgbouncer_Migrations(t *testing.T) {
	t.Parallel()
	url := pgtest.Bouncer(t, pgtest.URL(t), 4)
	began := time.Now()
	var all errgroup.Group
	for range 3 {
		all.Go(func() error {
			s, err := store.Open(t.Context(), url)
			if err != nil {
				return err
			}
			return s.Close()
		})
	}
	require.NoError(t, all.Wait(), "after %s", time.Since(began))
}
