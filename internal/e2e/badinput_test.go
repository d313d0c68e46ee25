package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
)

// envVars are variables of an environment.
type envVars map[string]string

const (
	urlVar       = "SENTINELONE_BASE_URL"
	tokenVar     = "SENTINELONE_API_TOKEN"
	tokenFileVar = "SENTINELONE_API_TOKEN_FILE"
	databaseVar  = "DATABASE_URL"
)

// withEnv replaces variables of an environment; a value of "-" removes one.
func withEnv(env []string, changes envVars) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, changed := changes[name]
		return changed
	})
	for name, value := range changes {
		if value != "-" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// With a bad configuration the worker does not start: it prints every fault in one message
// and exits with 2.
func TestBadInput_Worker(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 59})
	blank := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(blank, []byte(" \n"), 0o600))
	cases := map[string]struct {
		env  envVars
		says []string
	}{
		"no scheme": {
			envVars{urlVar: "acmeco.sentinelone.net"},
			[]string{urlVar, "https://acmeco.sentinelone.net"},
		},
		"a path": {
			envVars{urlVar: "https://acmeco.sentinelone.net/web/api/v2.1"},
			[]string{urlVar, "path"},
		},
		"unwritable": {
			envVars{databaseVar: "sqlite:///proc/nowhere/store.db"},
			[]string{databaseVar, "/proc/nowhere"},
		},
		"no base URL":      {envVars{urlVar: "-"}, []string{urlVar + " is not set"}},
		"empty token":      {envVars{tokenVar: ""}, []string{tokenVar + " is empty"}},
		"blank token":      {envVars{tokenVar: " \t "}, []string{tokenVar + " is empty"}},
		"no token":         {envVars{tokenVar: "-"}, []string{tokenVar + " is not set"}},
		"blank token file": {envVars{tokenVar: "-", tokenFileVar: blank}, []string{tokenFileVar, "empty"}},
		"no token file":    {envVars{tokenVar: "-", tokenFileVar: blank + "x"}, []string{tokenFileVar}},
		"both tokens":      {envVars{tokenFileVar: blank}, []string{"unset one of them"}},
		"database scheme":  {envVars{databaseVar: "mysql://x"}, []string{databaseVar + " must be"}},
		"not a boolean":    {envVars{"SENTINELONE_READ_ONLY": "perhaps"}, []string{"SENTINELONE_READ_ONLY", "perhaps"}},
		"log level":        {envVars{"LOG_LEVEL": "loud"}, []string{"LOG_LEVEL", "loud"}},
		"all at once": {
			envVars{urlVar: "nowhere", tokenVar: "-", "LOG_FORMAT": "xml", "SYNC_MAX_LOSS_PERCENT": "many"},
			[]string{urlVar, tokenVar, "LOG_FORMAT", "SYNC_MAX_LOSS_PERCENT"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runProgram(t, withEnv(s.env(), c.env), programs.Worker)
			require.Equal(t, 2, got.code, got.stderr)
			for _, text := range c.says {
				require.Contains(t, got.stderr, text)
			}
			require.NotContains(t, got.stderr, "goroutine", "no stack traces for people")
			require.NotContains(t, got.stderr, s.console.Token())
		})
	}
}

// starter reports bad usage and bad configuration too.
func TestBadInput_Starter(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 61})
	cases := map[string]struct {
		env  envVars
		args []string
		code int
		says string
	}{
		"unknown collection": {
			nil,
			[]string{"sync", "--collections", "users,groups"},
			2, `unknown collection "groups"`,
		},
		"no worker": {
			envVars{"TASK_QUEUE": "nobody-here"},
			[]string{"sync"},
			1, `no worker polls task queue "nobody-here"`,
		},
		"unknown command": {nil, []string{"snyc"}, 2, "snyc"},
		"unknown flag":    {nil, []string{"sync", "--no-such"}, 2, "no-such"},
		"bad time":        {nil, []string{"access", "--as-of", "yesterday-ish"}, 2, "yesterday-ish"},
		"no database yet": {nil, []string{"access"}, 1, "sync"},
		"wrong host":      {envVars{urlVar: "http://127.0.0.1:1"}, []string{"check"}, 1, "no response"},
		"wrong token":     {envVars{tokenVar: "wrong-token"}, []string{"check"}, 1, "401"},
		"no Temporal":     {envVars{"TEMPORAL_ADDRESS": "127.0.0.1:1"}, []string{"sync"}, 1, "127.0.0.1:1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runProgram(t, withEnv(s.env(), c.env), programs.Starter, c.args...)
			require.Equal(t, c.code, got.code, got.stdout+got.stderr)
			require.Contains(t, got.stdout+got.stderr, c.says)
		})
	}
}

// A sync with bad input fails at once, with a message that says what is wrong.
func TestBadInput_Workflow(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 67})
	s.startWorker()
	t.Cleanup(func() { require.Zero(t, s.console.RequestCount()) })
	for input, says := range map[string]string{
		`{"collections":["users","groups"]}`: `unknown collection "groups"`,
		`{"colections":["users"]}`:           `unknown field "colections"`,
		`{"collections":"users"}`:            "collections",
		`7`:                                  "input is not understood",
	} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			got := s.cli("workflow", "execute", "--type", "Sync", "--task-queue", s.queue,
				"--workflow-id", s.syncID(input), "--input", input)
			require.NotZero(t, got.code)
			require.Contains(t, got.stdout+got.stderr, says)
		})
	}
}

// A sync started by a command that is configured for another console fails with a message,
// and does not sync the wrong console.
func TestBadInput_WorkerOfAnotherConsole(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 97})
	s.startWorker()
	env := withEnv(s.env(), map[string]string{"SENTINELONE_BASE_URL": "https://other.example.net"})
	got := runProgram(t, env, programs.Starter, "sync", "--wait", "--id", s.syncID(""))
	require.Equal(t, 1, got.code, got.stdout+got.stderr)
	require.Contains(t, got.stderr, "the sync is for console other.example.net")
	require.Contains(t, got.stderr, "its own task queue")
	require.Zero(t, s.console.RequestCount())
}
