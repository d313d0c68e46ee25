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

// with replaces variables of an environment; a value of "-" removes one.
func with(env []string, changes map[string]string) []string {
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

// The worker starts nothing with bad configuration: one message with every fault,
// exit code 2.
func TestBadInput_Worker(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 59})
	blank := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(blank, []byte(" \n"), 0o600))
	cases := map[string]struct {
		env  map[string]string
		says []string
	}{
		"no scheme":        {map[string]string{"SENTINELONE_BASE_URL": "acmeco.sentinelone.net"}, []string{"SENTINELONE_BASE_URL", "https://acmeco.sentinelone.net"}},
		"a path":           {map[string]string{"SENTINELONE_BASE_URL": "https://acmeco.sentinelone.net/web/api/v2.1"}, []string{"SENTINELONE_BASE_URL", "path"}},
		"no base URL":      {map[string]string{"SENTINELONE_BASE_URL": "-"}, []string{"SENTINELONE_BASE_URL is not set"}},
		"empty token":      {map[string]string{"SENTINELONE_API_TOKEN": ""}, []string{"SENTINELONE_API_TOKEN is empty"}},
		"blank token":      {map[string]string{"SENTINELONE_API_TOKEN": " \t "}, []string{"SENTINELONE_API_TOKEN is empty"}},
		"no token":         {map[string]string{"SENTINELONE_API_TOKEN": "-"}, []string{"SENTINELONE_API_TOKEN is not set"}},
		"blank token file": {map[string]string{"SENTINELONE_API_TOKEN": "-", "SENTINELONE_API_TOKEN_FILE": blank}, []string{"SENTINELONE_API_TOKEN_FILE", "empty"}},
		"no token file":    {map[string]string{"SENTINELONE_API_TOKEN": "-", "SENTINELONE_API_TOKEN_FILE": blank + "x"}, []string{"SENTINELONE_API_TOKEN_FILE"}},
		"both tokens":      {map[string]string{"SENTINELONE_API_TOKEN_FILE": blank}, []string{"keep one of them"}},
		"database scheme":  {map[string]string{"DATABASE_URL": "mysql://x"}, []string{"DATABASE_URL must be"}},
		"unwritable":       {map[string]string{"DATABASE_URL": "sqlite:///proc/nowhere/store.db"}, []string{"DATABASE_URL", "/proc/nowhere"}},
		"not a boolean":    {map[string]string{"SENTINELONE_READ_ONLY": "perhaps"}, []string{"SENTINELONE_READ_ONLY", "perhaps"}},
		"log level":        {map[string]string{"LOG_LEVEL": "loud"}, []string{"LOG_LEVEL", "loud"}},
		"all at once": {
			map[string]string{"SENTINELONE_BASE_URL": "nowhere", "SENTINELONE_API_TOKEN": "-", "LOG_FORMAT": "xml", "SYNC_MAX_LOSS_PERCENT": "many"},
			[]string{"SENTINELONE_BASE_URL", "SENTINELONE_API_TOKEN", "LOG_FORMAT", "SYNC_MAX_LOSS_PERCENT"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, with(s.env(), c.env), programs.Worker)
			require.Equal(t, 2, got.code, got.stderr)
			for _, text := range c.says {
				require.Contains(t, got.stderr, text)
			}
			require.NotContains(t, got.stderr, "goroutine", "no stack traces for people")
			require.NotContains(t, got.stderr, s.console.Token())
		})
	}
}

// The starter says the same in its own place.
func TestBadInput_Starter(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 61})
	cases := map[string]struct {
		env  map[string]string
		args []string
		code int
		says string
	}{
		"unknown collection": {nil, []string{"sync", "--collections", "users,groups"}, 2, `unknown collection "groups"`},
		"unknown command":    {nil, []string{"snyc"}, 2, "snyc"},
		"unknown flag":       {nil, []string{"sync", "--no-such"}, 2, "no-such"},
		"bad time":           {nil, []string{"access", "--as-of", "yesterday-ish"}, 2, "yesterday-ish"},
		"no worker":          {map[string]string{"TASK_QUEUE": "nobody-here"}, []string{"sync"}, 1, `no worker polls task queue "nobody-here"`},
		"no database yet":    {nil, []string{"access"}, 1, "sync"},
		"wrong host":         {map[string]string{"SENTINELONE_BASE_URL": "http://127.0.0.1:1"}, []string{"check"}, 1, "no answer"},
		"wrong token":        {map[string]string{"SENTINELONE_API_TOKEN": "wrong-token"}, []string{"check"}, 1, "401"},
		"no Temporal":        {map[string]string{"TEMPORAL_ADDRESS": "127.0.0.1:1"}, []string{"sync"}, 1, "127.0.0.1:1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, with(s.env(), c.env), programs.Starter, c.args...)
			require.Equal(t, c.code, got.code, got.stdout+got.stderr)
			require.Contains(t, got.stdout+got.stderr, c.says)
		})
	}
}

// Bad input straight to the workflow ends it at once with a sentence.
func TestBadInput_Workflow(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 67})
	s.startWorker()
	for input, says := range map[string]string{
		`{"collections":["users","groups"]}`: `unknown collection "groups"`,
		`{"colections":["users"]}`:           `unknown field "colections"`,
		`{"collections":"users"}`:            "collections",
		`7`:                                  "input is not understood",
	} {
		t.Run(input, func(t *testing.T) {
			got := s.cli("workflow", "execute", "--type", "Sync", "--task-queue", s.queue, "--workflow-id", s.id(input), "--input", input)
			require.NotZero(t, got.code)
			require.Contains(t, got.stdout+got.stderr, says)
		})
	}
	require.Zero(t, s.console.RequestCount())
}
