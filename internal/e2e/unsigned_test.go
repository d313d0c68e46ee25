package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

const whatUnsignedMeans = "one person can be the requester, both approvers and the reviewer"

// Without signers one person decides in several names. That cannot be prevented, so the
// worker's log, check, show and the receipt say it.
func TestUnsigned_IsSaidWhereverNamesStand(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), whatUnsignedMeans, 1))
	require.Contains(t, s.starter("check").stdout, whatUnsignedMeans)

	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	got := s.result(run)
	require.Equal(t, wire.StateGranted, got.State)
	require.Equal(t, access.Unsigned, got.Receipt.Signed)
	require.Contains(t, got.Receipt.SignedMeans, whatUnsignedMeans)
	require.Contains(t, s.starter("show", run.GetID()).stdout, whatUnsignedMeans)
	require.Contains(t, s.starter("show", run.GetID(), "-o", "json").stdout, `"signedMeans": "names are claims: `)
}

// SIGNATURES=required without signers is bad configuration: the worker starts nothing.
func TestUnsigned_WorkerRefusesToStart(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{})
	database := filepath.Join(t.TempDir(), "none.db")
	s.extraEnv = append(s.extraEnv, "SIGNATURES=required", "DATABASE_URL=sqlite://"+database)
	got := s.run(programs.Worker)
	require.Equal(t, 2, got.code, got.stderr)
	require.Contains(t, got.stderr, "SIGNATURES is required, but ALLOWED_SIGNERS is not set")
	require.NotContains(t, got.stderr, readyText)
	require.NoFileExists(t, database)
}
