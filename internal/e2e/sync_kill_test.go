package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// Kill -9 at several points of a sync of 20,000 users: after each restart it goes
// on, the end equals the console's truth, and each kill cost at most one page of
// each collection.
func TestKill_WorkerDuringSync(t *testing.T) {
	t.Parallel()
	killWorker(t, []int{9, 16, 23, 29})
}

// killWorker kills the worker when the console has had so many requests.
func killWorker(t *testing.T, at []int) {
	t.Helper()
	s := newStack(t, consoletest.Options{
		Seed: 23, Accounts: 5, Sites: 2200, Users: 20_000, ServiceUsers: 2500, CustomRoles: 30,
		Latency: 60 * time.Millisecond,
	})
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	for _, n := range at {
		require.NoError(t, s.console.WaitForRequests(s.ctx(), n, anyRequest))
		s.worker.Kill()
		s.startWorker()
	}
	require.Equal(t, wire.StatePromoted, s.syncResult(run).State)
	s.requireStoreMatchesConsole()
	for collection, n := range refetchedPages(s.console.Requests()) {
		if collection == "roles" {
			n-- // listed once more on purpose, for the members' counts
		}
		require.LessOrEqual(t, n, len(at), "%s: pages fetched twice", collection)
	}
}

func anyRequest(consoletest.Request) bool { return true }

// Kill -9 and restart of the Temporal server in the middle: the sync finishes.
func TestKill_TemporalServerDuringSync(t *testing.T) {
	t.Parallel()
	server, err := testbed.StartDevServer(t.Context(), filepath.Join(t.TempDir(), "temporal.db"))
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	s := newStackOn(t, server, consoletest.Options{Seed: 29, Users: 20_000, Latency: 60 * time.Millisecond})
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	for _, n := range []int{12, 22} {
		require.NoError(t, s.console.WaitForRequests(s.ctx(), n, anyRequest))
		server.Kill()
		require.NoError(t, server.Restart(s.ctx()))
	}
	// The client of the test lost its long poll with the server; ask anew.
	require.EventuallyWithT(t, func(c *assertT) {
		var got wire.SyncResult
		require.NoError(c, s.client.GetWorkflow(s.ctx(), run.GetID(), "").Get(s.ctx(), &got))
		require.Equal(c, wire.StatePromoted, got.State)
	}, limit, time.Second)
	s.requireStoreMatchesConsole()
}
