package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/store"
)

// A parameter that the driver does not take is named, with what to write; one that would be passed over is refused.
func TestCheckURL_PostgresParameters(t *testing.T) {
	t.Parallel()
	const server = "postgres://u:hunter2@127.0.0.1:1/db"
	for url, why := range map[string]string{
		server + "?connect_timeout=5s":            "its parameter connect_timeout: write whole seconds",
		server + "?target_session_attrs=master":   "its parameter target_session_attrs: write any, read-write",
		server + "?default_query_exec_mode=x":     "its parameter default_query_exec_mode: leave it out",
		server + "?sslrootcert=/etc/passwd":       "its parameter sslrootcert: name a file of certificates in PEM",
		server + "?sslcert=/etc/passwd":           "its parameter sslcert: name a certificate in PEM, and its",
		server + "?options=-c%20search_path=x":    "its parameter options: percent-encode",
		server + "?sslmode=disable&service=none":  "its parameter service: name a service",
		server + "?channel_binding=yes":           "its parameter channel_binding: write prefer",
		server + "?sslMode=require":               "a parameter sslmode in another spelling",
		server + "?Password=hunter2":              "a parameter password in another spelling",
		server + "?connect-timeout=3":             "a parameter connect_timeout in another spelling",
		server + "?sslmode":                       "its parameter sslmode has no value",
		server + "?sslmode=require&sslmode=allow": "its parameter sslmode stands in it twice",
		server + "?sslmode=require;x=hunter2":     "write & there",
		server + "&sslmode=require":               "begin them with a ?",
		server + ";sslmode=require":               "begin them with a ?",
		"postgres://::1:5432/db":                  "its host is IPv6, which stands in brackets",
		"postgres://u:hunter2@fd00::7/db":         "its host is IPv6",
	} {
		err := store.CheckURL(url)
		require.ErrorContains(t, err, why, url)
		require.NotContains(t, err.Error(), "hunter2", url)
	}
	for _, good := range []string{
		server, server + "?", server + "?sslmode=disable&connect_timeout=5&application_name=x", server + "?ssl=true",
		server + "?options=-c%20search_path%3Dx", "postgres://[::1]:5432,[fd00::7],127.0.0.1/db",
		"postgres:///db?host=/tmp",
		server + "?statement_timeout=5s&target_session_attrs=primary", "postgres://h/a&b",
	} {
		require.NoError(t, store.CheckURL(good), good)
	}
}

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
		"sqlite://x.db", "sqlite:///var/lib/x.db", "sqlite://a b#c%20d ü.db", "sqlite://what?.db",
		"sqlite://memory.db",
		"sqlite://a&b;c.db", "sqlite://./-x.db", "sqlite://ana@example.com/x.db", "sqlite:///srv/2026-03-03T09:00/x.db",
		"sqlite://cost$.db", "sqlite://x~.db",
	} {
		require.NoError(t, store.CheckURL(good), good)
	}
}
