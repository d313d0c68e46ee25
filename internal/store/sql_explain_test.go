package store_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// calls are a write, a write that waits for the disk, a read, and a read without a transaction.
func calls(ctx context.Context, s *store.Store) map[string]error {
	out := map[string]error{"note": s.Note(ctx, "s1", "", store.Note{Text: "x"})}
	_, out["append"] = s.Append(ctx, acme, note("grant/1", "request", 1))
	_, out["progress"] = s.Progress(ctx, "s1")
	_, out["console"] = s.ConsoleOf(ctx, "s1")
	return out
}

// While the server is away, an error names it, without the password, and says what to do; once it is
// back, the same store works again.
func TestErrors_ServerAway(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t)
	address, err := server.Database(t.Context(), "away")
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.User = url.UserPassword("postgres", "hunter2")
	s, err := store.Open(t.Context(), u.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // some of its connections are of a server that is gone
	begin(t, s, acme, "s1", access.Roles)
	require.NoError(t, server.Crash())
	for range 2 { // with the connections from before, and without any
		for name, err := range calls(t.Context(), s) {
			require.ErrorContains(t, err, "database server "+server.Folder()+":5432: ", name)
			require.ErrorContains(t, err, "this is tried again", name)
			require.NotContains(t, err.Error(), "hunter2", name)
		}
	}
	require.NoError(t, server.Restart())
	for name, err := range calls(t.Context(), s) {
		require.NoError(t, err, name)
	}
}

// A server that became a standby is left: after its first refusal, the store makes new connections, which
// lead to the server that took its place.
func TestErrors_ServerOnlyReads(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t)
	address, err := server.Database(t.Context(), "standby")
	require.NoError(t, err)
	s := open(t, address)
	begin(t, s, acme, "s1", access.Roles)
	pid := func() (pid int) {
		t.Helper()
		require.NoError(t, s.DB().QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid))
		return pid
	}
	before := pid()
	for name, statement := range map[string]string{
		"25006": `RAISE EXCEPTION 'cannot execute INSERT in a read-only transaction' USING ERRCODE = '25006'`,
		"53100": `RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'`,
	} {
		_, err = s.DB().ExecContext(t.Context(), `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
			AS $$ BEGIN `+statement+`; END $$; DROP TRIGGER IF EXISTS refuse ON snapshots;
			CREATE TRIGGER refuse BEFORE UPDATE ON snapshots FOR EACH ROW EXECUTE FUNCTION refuse()`)
		require.NoError(t, err)
		err = s.Note(t.Context(), "s1", "", store.Note{Text: "x"})
		require.ErrorContains(t, err, map[string]string{
			"25006": "with target_session_attrs=read-write", "53100": "the server's disk is full: free space there",
		}[name])
	}
	require.NotEqual(t, before, pid())
}

// A file whose disk is full says so, and works again once there is room.
func TestErrors_FileFull(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t))
	begin(t, s, acme, "s1", access.Roles)
	var pages int
	require.NoError(t, s.DB().QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages))
	// SQLite makes it the number of pages that there are.
	require.NoError(t, s.DB().QueryRowContext(t.Context(), "PRAGMA max_page_count = 1").Scan(&pages))
	var err error
	for n := 0; n < 1000 && err == nil; n++ {
		_, err = s.Append(t.Context(), acme, note(fmt.Sprintf("grant/%d", n), "request", strings.Repeat("x", 4096)))
	}
	require.ErrorContains(t, err, "database file ")
	require.ErrorContains(t, err, "the disk is full: free space; this is tried again")
	require.NoError(t, s.DB().QueryRowContext(t.Context(), "PRAGMA max_page_count = 1000000").Scan(&pages))
	_, err = s.Append(t.Context(), acme, note("grant/INC-42", "request", 1))
	require.NoError(t, err)
}
