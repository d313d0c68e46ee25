package compose

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
)

// ignored reads .dockerignore as Docker does, and tells which paths it keeps out.
func ignored(t *testing.T) func(path string) bool {
	t.Helper()
	file, err := os.Open(filepath.Join(root, ".dockerignore"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	patterns, err := ignorefile.ReadAll(file)
	require.NoError(t, err)
	matcher, err := patternmatcher.New(patterns)
	require.NoError(t, err)
	return func(path string) bool {
		out, err := matcher.MatchesOrParentMatches(path)
		require.NoError(t, err)
		return out
	}
}

// Nothing that git does not keep enters the build: no token, database, key or .env file.
func TestDockerignore_KeepsSecretsOut(t *testing.T) {
	t.Parallel()
	out := ignored(t)
	for _, path := range []string{
		"token", ".sentinelone-token", "api-token.txt", "sentinelone.db", "sentinelone.db-wal", "sentinelone.db-shm",
		"sentinelone.db.key", "ledger.key", "ledger_key", "allowed_signers", "policy.yaml", ".env", ".env.local",
		"id_ed25519", "tokens/acmeco.sentinelone.net/1.token", "payload-keys", "receipt.json", "export.csv",
		".demo/env", "bin/worker", "docker-compose.override.yaml", ".ssh/id_ed25519",
		"worker/token", "starter/.env", "worker/sentinelone.db", "worker/sentinelone.db-wal", "internal/ledger.key",
		"internal/compose/.env", "starter/tokens/acmeco.sentinelone.net/1.token", "docs/id_rsa", "worker/server.pem",
		"starter/starter", "worker/worker", ".git/config", ".git/hooks/pre-commit", ".git/logs/HEAD",
	} {
		require.True(t, out(path), path)
	}
}

// Go calls the build modified if a file that git keeps is missing.
func TestDockerignore_LetsInWhatGitKeeps(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files")
	list.Dir = root
	names, err := list.Output()
	require.NoError(t, err)
	out, n := ignored(t), 0
	for name := range strings.Lines(string(names)) {
		name = strings.TrimSpace(name)
		require.False(t, out(name), "%s: let it in, in .dockerignore", name)
		n++
	}
	require.Greater(t, n, 500)
	for _, name := range []string{".git/HEAD", ".git/index", ".git/objects/pack/x.pack"} {
		require.False(t, out(name), name)
	}
}
