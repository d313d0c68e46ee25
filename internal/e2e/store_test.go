package e2e

import (
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to write a newer schema version

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/store"
)

// Both programs refuse a database that a newer version has written, and say so.
func TestBadInput_NewerDatabase(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 83})
	db, err := store.Open(t.Context(), s.database)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	raw, err := sql.Open("sqlite", strings.TrimPrefix(s.database, "sqlite://"))
	require.NoError(t, err)
	_, err = raw.ExecContext(t.Context(), "INSERT INTO schema_versions (version_id, is_applied) VALUES (9000, 1)")
	require.NoError(t, err)
	require.NoError(t, raw.Close())

	got := runProgram(t, s.env(), programs.Worker)
	require.Equal(t, 2, got.code, got.stderr)
	require.Contains(t, got.stderr, "newer")
	got = s.starter("access")
	require.Equal(t, 1, got.code, got.stderr)
	require.Contains(t, got.stderr, "newer")
}

// With payload keys the history of a sync is encrypted, and everything works for programs
// that have the keys.
func TestEncryption_WholeSync(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 89})
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("2026:"+base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
	s.extraEnv = append(s.extraEnv, "PAYLOAD_KEYS_FILE="+file)
	s.startWorker()

	got := s.starter("sync", "--wait", "--id", s.syncID(""))
	require.Zero(t, got.code, got.stdout+got.stderr)
	require.Contains(t, got.stdout+got.stderr, "promoted")
	s.requireStoreMatchesConsole()
	text := historyJSON(t, s, s.syncID(""))
	require.Contains(t, text, "binary/encrypted")
	require.NotContains(t, text, "serviceUsers", "a payload in clear")
}
