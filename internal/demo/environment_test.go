package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The demo must never reach the console, database or Temporal server of the user's shell.
func TestEnvironment_KeepsTheUsersSettingsOut(t *testing.T) {
	t.Parallel()
	base := []string{
		"HOME=/home/ana", "SENTINELONE_API_TOKEN_FILE=x", "DATABASE_URL=x", "TEMPORAL_API_KEY=x", "TASK_QUEUE=x",
		"LOG_LEVEL=x", "DATABASE_URLS=stays", "POLICY_FILE=x", "SSH_AUTH_SOCK=x",
	}
	got := environment(base, []setting{{"DATABASE_URL", "sqlite://demo.db"}})
	require.Equal(t, []string{"HOME=/home/ana", "DATABASE_URLS=stays", "DATABASE_URL=sqlite://demo.db"}, got)
	require.Len(t, base, 9)
	require.Equal(t, "DATABASE_URL=x", base[2], "the caller's slice is unchanged")
}

func TestExports_AreValidShell(t *testing.T) {
	t.Parallel()
	want := "it's $HOME \"and\" `more`; Acme / Berlin"
	script := strings.Join(exports([]setting{{"A", want}, {"B", ""}, {"C", "http://127.0.0.1:80"}}), "\n") +
		"\nprintf '%s|%s|%s' \"$A\" \"$B\" \"$C\""
	got, err := exec.CommandContext(t.Context(), "/bin/sh", "-euc", script).CombinedOutput()
	require.NoError(t, err, string(got))
	require.Equal(t, want+"||http://127.0.0.1:80", string(got))
	require.Equal(t, "http://127.0.0.1:80", quote("http://127.0.0.1:80"), "no quotes where none are needed")
}
