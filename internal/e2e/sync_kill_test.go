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

// The worker is killed at several points of a sync of 20,000 users. It resumes after each
// restart, the store equals the console, and each kill costs at most one page of each
// collection.
func TestKill_WorkerDuringSync(t *testing.T) {
	t.Parallel()
	killWorker(t, []int{9, 16, 23, 29})
}

// killWorker runs a sync and kills the worker after each of these numbers of requests.
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
			n-- // listed a second time for the counts of members
		}
		require.LessOrEqual(t, n, len(at), "%s: pages fetched twice", collection)
	}
}

func anyRequest(consoletest.Request) bool { return true }

// The Temporal server is killed and restarted during a sync, which finishes.
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
	// The client of the test has lost its long poll with the server: ask again.
	require.EventuallyWithT(t, func(c *assertT) {
		var got wire.SyncResult
		require.NoError(c, s.client.GetWorkflow(s.ctx(), run.GetID(), "").Get(s.ctx(), &got))
		require.Equal(c, wire.StatePromoted, got.State)
	}, limit, time.Second)
	s.requireStoreMatchesConsole()
}
