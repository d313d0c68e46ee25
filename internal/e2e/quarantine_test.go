package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// newQuarantinedSync has a good snapshot, its export, and a quarantined sync that would
// drop 40 % of the users.
func newQuarantinedSync(t *testing.T, extraEnv ...string) (s *stack, before, id string) {
	t.Helper()
	s = newStack(t, consoletest.Options{Seed: 43, Users: 100})
	s.extraEnv = append(s.extraEnv, extraEnv...)
	s.startWorker()
	require.Equal(t, wire.StatePromoted, s.runSync("-first").State)
	before = s.export()
	require.Len(t, s.console.RemoveUsers(40), 40)
	run := s.startSync("", wire.SyncInput{By: "bob@example.com"})
	status := s.untilSyncState(run, wire.StateQuarantined)
	require.Contains(t, status.Waiting, "confirm or discard")
	require.Contains(t, status.Quarantine.Reasons, "40 of 100 users would be gone (more than 25 %)")
	return s, before, run.GetID()
}

// While a snapshot is quarantined, queries answer from the last good one and say so.
func TestQuarantine_LastGoodSnapshotAnswers(t *testing.T) {
	t.Parallel()
	s, before, id := newQuarantinedSync(t)
	require.Equal(t, before, s.export())
	got := s.starter("access", "--role", "Admin")
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stderr, "quarantined")

	wait := s.starter("sync", "--wait", "--id", id)
	require.Equal(t, 1, wait.code, wait.stdout+wait.stderr)
	require.Contains(t, wait.stdout+wait.stderr, "40 of 100 users would be gone")
	require.Contains(t, wait.stdout+wait.stderr, "confirm")
}

func TestQuarantine_ConfirmWithTemporalCLI(t *testing.T) {
	t.Parallel()
	s, _, id := newQuarantinedSync(t)
	got := s.cli("workflow", "update", "execute", "--workflow-id", id, "--name", "confirm", "--input", `{}`)
	require.NotZero(t, got.code)
	require.Contains(t, got.stderr+got.stdout, "say who decides")
	got = s.cli("workflow", "update", "execute", "--workflow-id", id, "--name", "confirm",
		"--input", `{"by":"carol@example.com"}`, "--output", "json")
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stdout, `"promoted"`)
	var result wire.SyncResult
	require.NoError(t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), &result))
	require.Equal(t, wire.StatePromoted, result.State)
	require.Contains(t, result.Warnings, "confirmed by carol@example.com")
	s.requireStoreMatchesConsole()
}

func TestQuarantine_DiscardWithStarter(t *testing.T) {
	t.Parallel()
	s, before, id := newQuarantinedSync(t)
	// Without --id starter finds the quarantined sync by its state.
	got := s.starter("discard", "--by", "carol@example.com")
	require.Zero(t, got.code, got.stderr)
	var result wire.SyncResult
	require.NoError(t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), &result))
	require.Equal(t, wire.StateQuarantined, result.State)
	require.Contains(t, result.Warnings, "discarded by carol@example.com")
	require.Equal(t, before, s.export())
	got = s.starter("access", "--role", "Admin")
	require.Zero(t, got.code, got.stderr)
	require.NotContains(t, got.stderr, "quarantined")
}

// confirm is refused, with the reason, if the sync is not quarantined.
func TestQuarantine_NothingToDecide(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 47})
	s.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users"})
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	got := s.cli("workflow", "update", "execute", "--workflow-id", run.GetID(), "--name", "confirm",
		"--input", `{"by":"carol@example.com"}`)
	require.NotZero(t, got.code)
	require.Contains(t, got.stderr+got.stdout, "not quarantined")
	s.console.ClearFaults()
	require.Equal(t, wire.StatePromoted, s.syncResult(run).State)
}
