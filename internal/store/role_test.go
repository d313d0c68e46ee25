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
	admin, err := pgx.Connect(t.Context(), owner)
	require.NoError(t, err)
	u, err := url.Parse(owner)
	require.NoError(t, err)
	role := strings.ReplaceAll(strings.TrimPrefix(u.Path, "/"), "test_", "worker_")
	exec := func(conn *pgx.Conn, statement string) error {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), strings.ReplaceAll(statement, "ledger_worker", role))
		return err
	}
	for _, statement := range []string{
		"CREATE ROLE ledger_worker LOGIN",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ledger_worker",
		"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ledger_worker",
		"REVOKE UPDATE, DELETE ON ledger, policies FROM ledger_worker",
		"REVOKE DELETE ON ledger_heads, delegations FROM ledger_worker",
	} {
		require.NoError(t, exec(admin, statement), statement)
	}
	t.Cleanup(func() {
		require.NoError(t, exec(admin, "DROP OWNED BY ledger_worker"))
		require.NoError(t, exec(admin, "DROP ROLE ledger_worker"))
	})

	u.User = url.User(role)
	s := open(t, u.String())
	_, err = s.Append(t.Context(), acme, ledger.NewEntry{
		Request: "grant/INC-1", Key: "grant/INC-1#run/cancelled", Body: ledger.Cancelled{Change: "a"},
	})
	require.NoError(t, err)
	text := []byte("rules: []\n")
	sum := sha256.Sum256(text)
	require.NoError(t, s.KeepPolicy(t.Context(), hex.EncodeToString(sum[:]), "policy.yaml", text))
	worker, err := pgx.Connect(t.Context(), u.String())
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE ledger SET at = 0", "DELETE FROM ledger", "TRUNCATE ledger", "ALTER TABLE ledger DISABLE TRIGGER ALL",
		"DROP TABLE ledger", "SET session_replication_role = replica",
		"UPDATE policies SET hash = 'other'", "DELETE FROM policies", "DELETE FROM ledger_heads",
		"DROP TRIGGER ledger_heads_move ON ledger_heads",
	} {
		require.Error(t, exec(worker, statement), statement)
	}
	require.NoError(t, worker.Close(t.Context()))
	entries, err := s.LedgerOf(t.Context(), acme, "grant/INC-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	_, err = store.OpenReader(t.Context(), u.String())
	require.NoError(t, err)
}
