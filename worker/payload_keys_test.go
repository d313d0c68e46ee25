//nolint:paralleltest // the environment is the process's
package main

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

func keyLine(id, letter string) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

// startWithKeys is what a start of the worker does with a file of these lines; none means no file.
func startWithKeys(t *testing.T, db *store.Store, lines ...string) error {
	t.Helper()
	path := ""
	if len(lines) > 0 {
		path = filepath.Join(t.TempDir(), "keys")
		require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600))
	}
	for name, value := range map[string]string{
		"SENTINELONE_BASE_URL": "https://" + ledgerConsole, "SENTINELONE_API_TOKEN": "x", "PAYLOAD_KEYS_FILE": path,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadUnchecked()
	require.NoError(t, err)
	return checkPayloadKeys(t.Context(), slog.New(slog.DiscardHandler), cfg, db)
}

// A worker starts with the keys that running requests may need, under the ids that they had, and with no
// others: on both databases.
func TestCheckPayloadKeys(t *testing.T) {
	for name, url := range map[string]string{
		"sqlite": "sqlite://" + filepath.Join(t.TempDir(), "store.db"), "postgres": pgtest.URL(t),
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), url)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			request := func(id string, plan int) {
				t.Helper()
				run := ledger.Run{Request: id, ID: "run"}
				_, err := db.Append(t.Context(), ledgerConsole, ledger.NewEntry{
					Request: id, Key: run.RequestKey(plan), Body: ledger.Request{},
				})
				require.NoError(t, err)
			}
			old, other, latest := keyLine("k1", "a"), keyLine("k1", "b"), keyLine("k2", "c")

			require.NoError(t, startWithKeys(t, db), "nothing is encrypted")
			require.NoError(t, startWithKeys(t, db, old))
			require.NoError(t, startWithKeys(t, db, old), "the same again")
			require.ErrorContains(t, startWithKeys(t, db, other), `another key under the id "k1"`)
			require.NoError(t, startWithKeys(t, db), "no request runs that needs it")
			require.NoError(t, startWithKeys(t, db, old))

			request("grant/INC-42", 1)
			for _, lines := range [][]string{nil, {latest}} {
				err := startWithKeys(t, db, lines...)
				require.ErrorContains(t, err, `the key "k1" is missing, and the running request grant/INC-42 may be`)
				require.ErrorContains(t, err, `write the line "k1:lost"`)
			}
			require.NoError(t, startWithKeys(t, db, latest, old), "a new key, and the old one beside it")
			request("grant/INC-43", 1)
			request("grant/INC-42", 2) // planned again
			require.ErrorContains(t, startWithKeys(t, db, latest), "the running request grant/INC-42 may",
				"INC-43 began after the new key took over")
			require.NoError(t, startWithKeys(t, db, latest, "k1:lost"), "given up")
			_, err = db.Append(t.Context(), ledgerConsole, ledger.NewEntry{
				Request: "grant/INC-42", Key: ledger.Run{Request: "grant/INC-42", ID: "run"}.ReceiptKey(),
				Body: ledger.Receipt{},
			})
			require.NoError(t, err)
			require.NoError(t, startWithKeys(t, db, latest), "nothing that began with it runs")
			require.ErrorContains(t, startWithKeys(t, db, latest, other), `another key under the id "k1"`)
			require.ErrorContains(t, startWithKeys(t, db), "the running request grant/INC-43 may")
		})
	}
}
