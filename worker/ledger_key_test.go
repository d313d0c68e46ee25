//nolint:paralleltest // the environment is the process's
package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const ledgerConsole = "acmeco.sentinelone.net"

// ledgerWorker is what a start of the worker does with the ledger's key.
func ledgerWorker(t *testing.T, url, key string) (*store.Store, error) {
	t.Helper()
	for name, value := range map[string]string{
		"SENTINELONE_BASE_URL": "https://" + ledgerConsole, "SENTINELONE_API_TOKEN": "x", "DATABASE_URL": url,
		"LEDGER_KEY_FILE": key, "LOG_LEVEL": "info",
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadUnchecked()
	require.NoError(t, err)
	db, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, sealLedger(t.Context(), slog.New(slog.DiscardHandler), cfg, db)
}

// Beside a SQLite database the worker makes a key at its first start, and finds it at the next. Without
// it, or with another one, it does not start.
func TestSealLedger_SQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	url, key := "sqlite://"+file, file+".key"
	first, err := ledgerWorker(t, url, "")
	require.NoError(t, err)
	info, err := os.Stat(key)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	sealedBy, sealed, err := first.LedgerKey(t.Context(), ledgerConsole)
	require.NoError(t, err)
	require.True(t, sealed)
	_, err = ledgerWorker(t, url, "")
	require.NoError(t, err)

	require.NoError(t, os.Rename(key, key+".kept"))
	_, err = ledgerWorker(t, url, "")
	require.ErrorIs(t, err, store.ErrLedgerKey)
	require.ErrorContains(t, err, sealedBy.Fingerprint())
	require.NoFileExists(t, key, "no other key takes its place")

	other := filepath.Join(t.TempDir(), "other")
	_, err = signing.CreateLedgerKey(other)
	require.NoError(t, err)
	_, err = ledgerWorker(t, url, other)
	require.ErrorIs(t, err, store.ErrLedgerKey)
	require.NoError(t, os.Rename(key+".kept", other+signing.OldKey))
	last, err := ledgerWorker(t, url, other)
	require.NoError(t, err)
	report, err := last.VerifyLedger(t.Context(), ledgerConsole)
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	now, _, err := last.LedgerKey(t.Context(), ledgerConsole)
	require.NoError(t, err)
	require.NotEqual(t, sealedBy, now)
}

// On PostgreSQL there is no key unless one is given, and a key that is given must exist.
func TestSealLedger_PostgreSQL(t *testing.T) {
	url := pgtest.URL(t)
	db, err := ledgerWorker(t, url, "")
	require.NoError(t, err)
	_, sealed, err := db.LedgerKey(t.Context(), ledgerConsole)
	require.NoError(t, err)
	require.False(t, sealed)
	key := filepath.Join(t.TempDir(), "ledger")
	_, err = ledgerWorker(t, url, key)
	require.ErrorContains(t, err, "LEDGER_KEY_FILE: there is no file "+key+": make a key with `ssh-keygen")
	require.NoFileExists(t, key)
	_, err = signing.CreateLedgerKey(key)
	require.NoError(t, err)
	_, err = ledgerWorker(t, url, key)
	require.NoError(t, err)
	_, err = ledgerWorker(t, url, "")
	require.ErrorIs(t, err, store.ErrLedgerKey, "a sealed ledger stays sealed")
}
