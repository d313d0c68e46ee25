package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// What other programs take for more than the path of a file is no part of its name.
func TestCheckURL_SQLite(t *testing.T) {
	t.Parallel()
	for url, why := range map[string]string{
		"sqlite://:MEMORY:": "in memory", "sqlite://:memory": "in memory", "sqlite://a/:memory:": "in memory",
		"sqlite://FILE::memory:": "in memory", "sqlite://FILE:x.db": "sqlite:// and file:",
		"sqlite://x.db?": "parameters", "sqlite://x.db?immutable": "parameters", "sqlite://x.db?mode=ro": "parameters",
		"sqlite://x.db;mode=ro": "parameters", "sqlite://x.db&cache=shared": "parameters",
		"sqlite://u:hunter2@host/x.db":  "a user and a password",
		"sqlite:///u:hunter2@host/x.db": "a user and a password",
		"sqlite://%2fvar%2Fx.db":        "not percent-encoded", `sqlite://C:\data\x.db`: "a path of Windows",
		"sqlite:///C:/data/x.db": "a path of Windows", `sqlite://\\server\x.db`: "a path of Windows",
		"sqlite://~/x.db": "only a shell replaces", "sqlite://$HOME/x.db": "only a shell replaces",
		"sqlite:// x.db": "a blank before",
	} {
		err := store.CheckURL(url)
		require.ErrorContains(t, err, why, url)
		require.ErrorContains(t, err, "write sqlite://sentinelone.db", url)
		require.NotContains(t, err.Error(), "hunter2")
	}
	for _, good := range []string{
		"sqlite://x.db", "sqlite:///var/lib/x.db", "sqlite://a b#c%20d ü.db", "sqlite://what?.db", "sqlite://memory.db",
		"sqlite://a&b;c.db", "sqlite://./-x.db", "sqlite://ana@example.com/x.db", "sqlite:///srv/2026-03-03T09:00/x.db",
		"sqlite://cost$.db", "sqlite://x~.db",
	} {
		require.NoError(t, store.CheckURL(good), good)
	}
}
