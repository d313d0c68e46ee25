package compose

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// roles runs roles.sql as the service database-roles does, on a server of its own: roles
// belong to a server, not to a database. It returns the URL of one role and one database.
func roles(t *testing.T, ledgerPassword string, server func(name string) string) func(role, database string) string {
	t.Helper()
	psql := exec.CommandContext(t.Context(), "psql", "--no-psqlrc", "--quiet", "--dbname="+server("postgres"),
		"--file=roles.sql")
	psql.Env = append(os.Environ(), "TEMPORAL_DB_PASSWORD=of'temporal", "LEDGER_DB_PASSWORD="+ledgerPassword)
	out, err := psql.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out))
	return func(role, database string) string {
		u, err := url.Parse(server(database))
		require.NoError(t, err)
		u.User = url.User(role)
		return u.String()
	}
}

// The role of the ledger is no superuser and can do its work, migrations included; neither
// role reaches the other's database. Running the file again changes the passwords only.
func TestRoles_KeepTemporalAndLedgerApart(t *testing.T) {
	t.Parallel()
	database, stop, err := pgtest.Start()
	require.NoError(t, err)
	t.Cleanup(stop)
	base, err := database(t.Context(), "scratch")
	require.NoError(t, err)
	server := func(name string) string {
		u, err := url.Parse(base)
		require.NoError(t, err)
		u.Path = "/" + name
		return u.String()
	}
	as := roles(t, "first", server)
	admin := connect(t, server("postgres"))
	before := passwordOf(t, admin)

	s, err := store.Open(t.Context(), as("ledger", "sentinelone"))
	require.NoError(t, err, "the role of the ledger can migrate its database")
	require.NoError(t, s.Close())
	owned := map[string][]string{"ledger": {"sentinelone"}, "temporal": {"temporal", "temporal_visibility"}}
	for role, own := range owned {
		for _, name := range []string{"sentinelone", "temporal", "temporal_visibility"} {
			conn, err := pgx.Connect(t.Context(), as(role, name))
			if !slices.Contains(own, name) {
				require.ErrorContains(t, err, "permission denied for database", "%s in %s", role, name)
				continue
			}
			require.NoError(t, err, "%s in %s", role, name)
			_, err = conn.Exec(t.Context(), "CREATE TABLE probe (id INT); DROP TABLE probe")
			require.NoError(t, err, "%s in %s", role, name)
			for _, forbidden := range []string{
				"CREATE ROLE mallory", "CREATE DATABASE mallory", "SELECT * FROM pg_authid",
			} {
				_, err := conn.Exec(t.Context(), forbidden)
				require.ErrorContains(t, err, "permission denied", "%s: %s", role, forbidden)
			}
			require.NoError(t, conn.Close(t.Context()))
		}
	}

	roles(t, "second", server)
	require.NotEqual(t, before, passwordOf(t, admin))
	require.NoError(t, admin.Close(t.Context()))
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	return conn
}

// passwordOf is the stored verifier of the ledger's password.
func passwordOf(t *testing.T, admin *pgx.Conn) (verifier string) {
	t.Helper()
	row := admin.QueryRow(t.Context(), "SELECT rolpassword FROM pg_authid WHERE rolname = 'ledger'")
	require.NoError(t, row.Scan(&verifier))
	return verifier
}

// `make passwords` makes what docker-compose.yaml asks for, at random and for the owner only,
// and leaves what is there.
func TestPasswords_AreRandomAndKept(t *testing.T) {
	t.Parallel()
	made := func(existing string) string {
		dir := t.TempDir()
		script, err := os.ReadFile("passwords.sh")
		require.NoError(t, err)
		folder := filepath.Join(dir, "internal", "compose")
		require.NoError(t, os.MkdirAll(folder, 0o700))
		path := filepath.Join(folder, "passwords.sh")
		require.NoError(t, os.WriteFile(path, script, 0o600))
		if existing != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(existing), 0o644))
		}
		out, err := exec.CommandContext(t.Context(), "sh", path).CombinedOutput()
		require.NoError(t, err, string(out))
		info, err := os.Stat(filepath.Join(dir, ".env"))
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())
		text, err := os.ReadFile(filepath.Join(dir, ".env"))
		require.NoError(t, err)
		return string(text)
	}
	first, second := made(""), made("")
	const line = `(?m)^(POSTGRES|TEMPORAL_DB|LEDGER_DB)_PASSWORD=[0-9a-f]{48}$`
	require.Len(t, regexp.MustCompile(line).FindAllString(first, -1), 3, first)
	require.NotEqual(t, first, second)
	require.Equal(t, first, made(first), "passwords that are there stay")
	kept := made("TASK_QUEUE=mine\nLEDGER_DB_PASSWORD=mine\n")
	require.Contains(t, kept, "TASK_QUEUE=mine\nLEDGER_DB_PASSWORD=mine\n")
	require.Len(t, regexp.MustCompile(`(?m)^LEDGER_DB_PASSWORD=`).FindAllString(kept, -1), 1)
}
