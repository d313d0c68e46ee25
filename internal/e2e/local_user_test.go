package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// startOpenly starts a worker with an umask that closes no file.
func (s *stack) startOpenly() {
	s.t.Helper()
	var err error
	s.worker, err = testbed.StartProcess(s.workerOutput, s.env(),
		"/bin/sh", "-c", `umask 0 && exec "$0"`, programs.Worker)
	require.NoError(s.t, err)
	s.t.Cleanup(s.worker.Kill)
	require.NoError(s.t, s.workerOutput.WaitFor(s.ctx(), readyText, 1))
}

// A local user finds no database of the worker that they may open, also not one of an older
// version, and the program that stores tokens gets no secret of the worker.
func TestLocalUser_FindsNoOpenFileAndNoSecret(t *testing.T) {
	t.Parallel()
	s := newStack(t, grantworld.Options())
	env := prepareGrantEnv(t, s)
	a := &accountEnv{grantEnv: env}
	folder := t.TempDir()
	seen := filepath.Join(folder, "environment")
	program := filepath.Join(folder, "keep")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\ncat >/dev/null\nenv >"+seen+"\n"), 0o700))
	s.extraEnv = append(s.extraEnv, "SERVICE_USER_TOKEN_COMMAND="+program,
		"NOTIFY_SLACK_URL=http://127.0.0.1:1/"+tokenCanary, "NOTIFY_WEBHOOK_URL=http://127.0.0.1:1/"+tokenCanary,
		"NOTIFY_WEBHOOK_SECRET=whsec_"+strings.Repeat("c2Vj", 8), "PGPASSWORD="+tokenCanary)
	path := strings.TrimPrefix(s.database, "sqlite://")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	s.startOpenly()

	got := a.result(a.startServiceUser("ci"))
	require.Equal(t, wire.StateProvisioned, got.State)
	environment, err := os.ReadFile(seen)
	require.NoError(t, err)
	require.Contains(t, string(environment), "SERVICE_USER_NAME=ci\n")
	for _, secret := range []string{"NOTIFY_", "PGPASSWORD", "SENTINELONE_", "DATABASE_URL", "TEMPORAL_", tokenCanary} {
		require.NotContains(t, string(environment), secret)
	}

	require.Zero(t, s.starter("requests").code)
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	require.Greater(t, len(files), 2, "the database, its log and its index")
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), file)
	}
}
