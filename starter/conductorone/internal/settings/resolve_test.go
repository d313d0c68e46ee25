package settings_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// given are settings as the SDK makes them of flags with their defaults.
func given() *settings.Settings {
	return &settings.Settings{
		ConsoleURL: "https://acmeco.sentinelone.net", Token: "a-very-secret-token",
		MaxAge: "1h", SyncWait: "15m", Wait: "4m", Requester: "conductorone",
		TaskConcurrency: 10,
	}
}

// bare hides the variables of this machine from a test.
func bare(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "SENTINELONE_") || strings.HasPrefix(name, "TEMPORAL_") ||
			name == "DATABASE_URL" || name == "TASK_QUEUE" {
			t.Setenv(name, "")
			require.NoError(t, os.Unsetenv(name))
		}
	}
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
}

func TestResolve_WorkersVariables(t *testing.T) {
	bare(t)
	s := given()
	c, err := s.Resolve()
	require.NoError(t, err)
	require.Equal(t, "acmeco.sentinelone.net", c.Host)
	require.Equal(t, "sqlite://sentinelone.db", c.Store.URL)
	require.Equal(t, "sentinelone", c.TaskQueue)
	require.Equal(t, []time.Duration{time.Hour, 15 * time.Minute, 4 * time.Minute},
		[]time.Duration{c.MaxAge, c.SyncWait, c.Wait})
	require.True(t, c.Console.ReadOnly, "the connector itself writes nothing")
	_, err = c.Console.TokenSource()
	require.Error(t, err, "the connector beside a worker needs no token, and keeps none")

	t.Setenv("SENTINELONE_BASE_URL", "https://other.sentinelone.net")
	t.Setenv("DATABASE_URL", "postgres://db/one")
	t.Setenv("TASK_QUEUE", "queue")
	t.Setenv("TEMPORAL_ADDRESS", "temporal:7233")
	t.Setenv("TEMPORAL_NAMESPACE", "security")
	s.ConsoleURL = ""
	c, err = s.Resolve()
	require.NoError(t, err)
	require.Equal(t, "other.sentinelone.net", c.Host)
	require.Equal(t, "postgres://db/one", c.Store.URL)
	require.Equal(t, "queue", c.TaskQueue)
	opts, err := c.TemporalOptions(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, []string{"temporal:7233", "security"}, []string{opts.HostPort, opts.Namespace})

	s.DatabaseURL, s.TaskQueue, s.TemporalAddress, s.TemporalNamespace = "sqlite://x.db", "q", "t:1", "n"
	c, err = s.Resolve()
	require.NoError(t, err)
	require.Equal(t, []string{"sqlite://x.db", "q"}, []string{c.Store.URL, c.TaskQueue}, "flags win")
	opts, err = c.TemporalOptions(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, []string{"t:1", "n"}, []string{opts.HostPort, opts.Namespace})
}

// Standalone needs a token: the flag's, or the worker's, also from a file.
func TestResolve_Standalone(t *testing.T) {
	bare(t)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("of-the-file\n"), 0o600))
	token := func(s *settings.Settings) string {
		c, err := s.Resolve()
		require.NoError(t, err)
		source, err := c.Console.TokenSource()
		require.NoError(t, err)
		value, err := source.Token()
		require.NoError(t, err)
		return value
	}
	s := given()
	s.Standalone, s.DatabaseURL = true, "nonsense" // which is not used
	require.Equal(t, "a-very-secret-token", token(s))
	t.Setenv("SENTINELONE_API_TOKEN_FILE", file)
	require.Equal(t, "a-very-secret-token", token(s), "the flag wins")
	s.Token = ""
	require.Equal(t, "of-the-file", token(s))

	require.NoError(t, os.Unsetenv("SENTINELONE_API_TOKEN_FILE"))
	_, err := s.Resolve()
	require.ErrorContains(t, err, "--api-token is not set, and --standalone needs it")
}

// All faults are in one message, each with the name of its setting, and no secret is.
//
//nolint:paralleltest // the environment is the process's
func TestResolve_AllFaults(t *testing.T) {
	bare(t)
	s := &settings.Settings{
		ConsoleURL: "http://user:hunter2@acmeco.sentinelone.net/web", DatabaseURL: "mysql://root:hunter2@db",
		Token: "hunter2", MaxAge: "soon", SyncWait: "-1m", Wait: "10m", Requester: "a\x1bb", TaskQueue: " ",
		SigningKey: "/no/such/key",
	}
	_, err := s.Resolve()
	require.Error(t, err)
	for _, fault := range []string{
		"--management-console-url: ", "--database-url", "--max-age", "--sync-wait", "--wait is 10m", "--requester",
		"--task-queue", "--signing-key", "--task-concurrency is 0",
	} {
		require.ErrorContains(t, err, fault)
	}
	require.NotContains(t, err.Error(), "hunter2")
	s.ConsoleURL = ""
	_, err = s.Resolve()
	require.ErrorContains(t, err, "--management-console-url is not set: set it, or SENTINELONE_BASE_URL")
}

// A database that can never be opened is a fault of the settings, not of the first task.
//
//nolint:paralleltest // the environment is the process's
func TestResolve_DatabaseURL(t *testing.T) {
	bare(t)
	for _, url := range []string{
		"postgres://user:hunter2@db:port/one", "postgres://user:hunter#2@db/one", "postgres://db/one?sslmode=maybe",
		"sqlite://", "sqlite://:memory:", "sqlite://file.db?mode=ro",
	} {
		s := given()
		s.DatabaseURL = settings.Secret(url)
		_, err := s.Resolve()
		require.ErrorContains(t, err, "--database-url: ", url)
		require.NotContains(t, err.Error(), "hunter")
		s.DatabaseURL = ""
		t.Setenv("DATABASE_URL", url)
		_, err = s.Resolve()
		require.ErrorContains(t, err, "DATABASE_URL: ", url)
		s.Standalone = true
		_, err = s.Resolve()
		require.NoError(t, err, url)
	}
}

// The faults of a token and of a key name the flag, and repeat neither.
//
//nolint:paralleltest // the environment is the process's
func TestResolve_SecretInTheWrongForm(t *testing.T) {
	bare(t)
	const key = "-BEGIN PRIVATE KEY-\nhunter2"
	for says, change := range map[string]func(s *settings.Settings){
		"--api-token: the API token has white space inside": func(s *settings.Settings) {
			s.Token = "hunter2 x"
		},
		"--signing-key: the path of a key is the private key itself": func(s *settings.Settings) {
			s.SigningKey = key
		},
		"is a folder: pass the path of the key's file": func(s *settings.Settings) {
			s.SigningKey = t.TempDir()
		},
	} {
		s := given()
		s.Standalone = true
		change(s)
		_, err := s.Resolve()
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// Settings print without their secrets, whoever logs them.
func TestSecret(t *testing.T) {
	t.Parallel()
	s := given()
	s.DatabaseURL = "postgres://user:hunter2@db"
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %q %x", *s, *s, *s, s.Token, s.DatabaseURL)} {
		require.NotContains(t, text, "a-very-secret-token")
		require.NotContains(t, text, "hunter2")
		require.NotContains(t, text, fmt.Sprintf("%x", "hunter2"))
	}
	require.Equal(t, "a-very-secret-token", s.GetString("api-token"), "the SDK validates the value")
}

// Each field of the schema has a description, says so if it is secret, and belongs to a flag.
func TestSchema(t *testing.T) {
	t.Parallel()
	secrets := map[string]bool{"api-token": true, "database-url": true}
	for _, f := range settings.Schema.Fields {
		require.NotEmpty(t, f.Description, f.FieldName)
		require.NotEmpty(t, f.ConnectorConfig.DisplayName, f.FieldName)
		require.Equal(t, secrets[f.FieldName], f.Secret, f.FieldName)
		require.False(t, f.Required, f.FieldName)
	}
}

// An address that no client of Temporal could reach is a fault at the start, from a flag and from the variable.
//
//nolint:paralleltest // the environment is the process's
func TestResolve_TemporalAddress(t *testing.T) {
	bare(t)
	for address, says := range map[string]string{
		"https://host:7233": "is a URL", "host": "has no port", "host:x": "has a port that is not a number",
		"u:hunter2@host:7233": "is not a host and a port",
	} {
		s := given()
		s.TemporalAddress = address
		_, err := s.Resolve()
		require.ErrorContains(t, err, "--temporal-address")
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "write host and port alone")
		require.NotContains(t, err.Error(), "hunter2")
		s.Standalone = true
		_, err = s.Resolve()
		require.NoError(t, err, "standalone reaches no Temporal")

		t.Setenv("TEMPORAL_ADDRESS", address)
		_, err = given().Resolve()
		require.ErrorContains(t, err, "TEMPORAL_ADDRESS")
		require.ErrorContains(t, err, says)
		t.Setenv("TEMPORAL_ADDRESS", "host:7233")
	}
}
