package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

// docs/security.md says how to let the worker run as a role that cannot drop the triggers of
// the ledger: such a role does the worker's work, and no statement of it changes an entry.
func TestOpen_AsRoleThatDoesNotOwnTheTables(t *testing.T) {
	t.Parallel()
	owner := pgtest.URL(t)
	open(t, owner)
	as := createRole(t, owner, "ledger_worker",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ledger_worker",
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ledger_worker",
		"REVOKE UPDATE, DELETE ON ledger, policies FROM ledger_worker",
		"REVOKE DELETE ON ledger_heads, delegations FROM ledger_worker",
	)

	s := open(t, as)
	_, err := s.Append(t.Context(), acme, ledger.NewEntry{
		Request: "grant/INC-1", Key: "grant/INC-1#run/cancelled", Body: ledger.Cancelled{Change: "a"},
	})
	require.NoError(t, err)
	text := []byte("rules: []\n")
	sum := sha256.Sum256(text)
	require.NoError(t, s.KeepPolicy(t.Context(), hex.EncodeToString(sum[:]), "policy.yaml", text))
	worker, err := pgx.Connect(t.Context(), as)
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE ledger SET at = 0", "DELETE FROM ledger", "TRUNCATE ledger", "ALTER TABLE ledger DISABLE TRIGGER ALL",
		"DROP TABLE ledger", "SET session_replication_role = replica",
		"UPDATE policies SET hash = 'other'", "DELETE FROM policies", "DELETE FROM ledger_heads",
		"DROP TRIGGER ledger_heads_move ON ledger_heads",
	} {
		_, err := worker.Exec(t.Context(), statement)
		require.Error(t, err, statement)
	}
	require.NoError(t, worker.Close(t.Context()))
	entries, err := s.LedgerOf(t.Context(), acme, "grant/INC-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	_, err = store.OpenReader(t.Context(), as)
	require.NoError(t, err)
}

// docs/conductorone.md and docs/security.md promise that a role with SELECT only is enough to read.
func TestOpenReader_AsRoleThatMayOnlySelect(t *testing.T) {
	t.Parallel()
	owner := pgtest.URL(t)
	s := open(t, owner)
	syncOnce(t, s, acme, "s1", smallWorld())
	_, err := s.Append(t.Context(), acme, note("grant/INC-1", "request", 1))
	require.NoError(t, err)
	as := createRole(t, owner, "reader", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")

	r, err := store.OpenReader(t.Context(), as)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	require.Equal(t, expected(smallWorld()), export(t, r, acme, nil))
	require.Len(t, walked(t, r, acme), 1)
	require.Equal(t, expected(smallWorld()), pinnedExport(t, pinned(t, r, "s1"), 2))

	direct, err := pgx.Connect(t.Context(), as)
	require.NoError(t, err)
	_, err = direct.Exec(t.Context(), "DELETE FROM ledger")
	require.ErrorContains(t, err, "permission denied", "the role may only read")
	require.NoError(t, direct.Close(t.Context()))
}

// createRole creates a role for this test, with what statements grant to that name, and returns the database's URL for
// it. Roles are the server's, which tests share: the role's real name is another.
func createRole(t *testing.T, owner, name string, statements ...string) string {
	t.Helper()
	admin, err := pgx.Connect(t.Context(), owner)
	require.NoError(t, err)
	u, err := url.Parse(owner)
	require.NoError(t, err)
	role := strings.ReplaceAll(strings.TrimPrefix(u.Path, "/"), "test_", name+"_")
	exec := func(statement string) {
		_, err := admin.Exec(context.WithoutCancel(t.Context()), strings.ReplaceAll(statement, name, role))
		require.NoError(t, err, statement)
	}
	exec("CREATE ROLE " + name + " LOGIN")
	t.Cleanup(func() {
		exec("DROP OWNED BY " + name)
		exec("DROP ROLE " + name)
		require.NoError(t, admin.Close(context.WithoutCancel(t.Context())))
	})
	for _, statement := range statements {
		exec(statement)
	}
	u.User = url.User(role)
	return u.String()
}
