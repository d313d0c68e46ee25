package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/wire"
)

// mixedConsole has all kinds of objects, and several pages of users.
func mixedConsole() consoletest.Options {
	return consoletest.Options{Seed: 7, Accounts: 3, Sites: 40, Users: 2300, ServiceUsers: 120, CustomRoles: 12}
}

// The commands of the contract: start, query and result with the Temporal CLI, then
// `starter export`, on both databases.
func TestSync_WithTemporalCLI(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*stack){
		"sqlite":     func(*stack) {},
		"postgresql": func(s *stack) { s.database = pgtest.URL(s.t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, mixedConsole())
			database(s)
			s.startWorker()
			id := s.syncID("")

			got := s.cli("workflow", "start", "--type", "Sync", "--task-queue", s.queue,
				"--workflow-id", id, "--input", "{}")
			require.Zero(t, got.code, got.stderr)
			got = s.cli("workflow", "result", "--workflow-id", id, "--output", "json")
			require.Zero(t, got.code, got.stderr)
			var ended struct {
				Status string          `json:"status"`
				Result wire.SyncResult `json:"result"`
			}
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &ended))
			require.Equal(t, "COMPLETED", ended.Status)
			requirePromoted(t, s, ended.Result)
			s.requireStoreMatchesConsole()

			got = s.cli("workflow", "query", "--workflow-id", id, "--type", "status", "--output", "json")
			require.Zero(t, got.code, got.stderr)
			require.Contains(t, got.stdout, `"proven"`)
		})
	}
}

func requirePromoted(t *testing.T, s *stack, got wire.SyncResult) {
	t.Helper()
	truth := s.console.Truth()
	require.Equal(t, wire.StatePromoted, got.State)
	require.NotEmpty(t, got.Snapshot)
	require.Equal(t, map[string]int{
		"accounts": len(truth.Accounts), "sites": len(truth.Sites), "roles": len(truth.Roles),
		"users": 2300, "serviceUsers": 120, "assignments": len(truth.Assignments()),
	}, got.Counts)
	require.Equal(t, wire.AssignmentChanges{Added: len(truth.Assignments())}, got.Changes)
	require.Empty(t, got.Warnings)
	require.Equal(t, s.console.RequestCount(), got.Requests)
	require.False(t, got.FinishedAt.Before(got.StartedAt))
}

// A sync without input syncs everything. An unchanged console ends it unchanged.
func TestSync_AgainUnchanged(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 3})
	s.startWorker()
	require.Equal(t, wire.StatePromoted, s.runSync("-1").State)
	id := s.syncID("-2")
	got := s.cli("workflow", "execute", "--type", "Sync", "--task-queue", s.queue,
		"--workflow-id", id, "--output", "json")
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stdout, `"unchanged"`)
	s.requireStoreMatchesConsole()
}

// A sync promotes what has changed and nothing else. The earlier state can still be
// queried.
func TestSync_ChangesAndAsOf(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 5, Users: 60})
	s.startWorker()
	first := s.runSync("-1")
	before := s.export()

	victim := s.console.Truth().Principals[0]
	require.True(t, s.console.RemoveUser(victim.ID) || s.console.RemoveServiceUser(victim.ID))
	second := s.runSync("-2")
	require.Equal(t, wire.StatePromoted, second.State)
	require.Equal(t, wire.AssignmentChanges{Removed: len(victim.Held)}, second.Changes)
	s.requireStoreMatchesConsole()

	then := first.FinishedAt.Add(time.Millisecond).Format(time.RFC3339Nano)
	past := s.starter("export", "--format", "json", "--as-of", then)
	require.Zero(t, past.code, past.stderr)
	requireSameJSON(t, before, past.stdout)

	changes := s.starter("changes", "--output", "json", "--since", then)
	require.Zero(t, changes.code, changes.stderr)
	require.Equal(t, len(victim.Held), strings.Count(changes.stdout, `"removed"`), changes.stdout)
}

// The size of a history does not depend on the size of the console.
func TestSync_HistoryStaysSmall(t *testing.T) {
	t.Parallel()
	s := newStack(t, mixedConsole())
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	s.syncResult(run)
	require.LessOrEqual(t, len(history(s, run.GetID()).Events), 80)
}

// On SIGTERM the worker stops at the next page and exits cleanly. The next worker resumes
// there.
func TestWorker_DrainsOnSIGTERM(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 11, Users: 9000, Latency: 50 * time.Millisecond})
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	require.NoError(t, s.console.WaitForRequests(s.ctx(), 3, isPageOf("/users")))
	code, err := s.worker.Stop(limit)
	require.NoError(t, err)
	require.Zero(t, code, s.workerOutput.Tail())
	s.startWorker()
	require.Equal(t, wire.StatePromoted, s.syncResult(run).State)
	s.requireStoreMatchesConsole()
	require.LessOrEqual(t, refetchedPages(s.console.Requests())["users"], 1)
}

// Several syncs of one console at once: all end, and the store equals the console.
func TestSync_TwoAtOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 13, Users: 4000, ServiceUsers: 1500, Latency: 20 * time.Millisecond})
	s.startWorker()
	one := s.startSync("-1", wire.SyncInput{})
	two := s.startSync("-2", wire.SyncInput{})
	three := s.startSync("-3", wire.SyncInput{Collections: []string{"users"}})
	for _, run := range []interface{ GetID() string }{one, two, three} {
		var got wire.SyncResult
		require.NoError(t, s.client.GetWorkflow(s.ctx(), run.GetID(), "").Get(s.ctx(), &got))
		require.Contains(t, []string{wire.StatePromoted, wire.StateUnchanged}, got.State)
	}
	s.requireStoreMatchesConsole()
	require.Equal(t, wire.StateUnchanged, s.runSync("-after").State)
}

// A cancelled sync leaves nothing that queries show.
func TestSync_Cancelled(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 17, Users: 9000})
	gate := newRequestGate(&grantEnv{stack: s}) // else the sync may be over before it is cancelled
	gate.blockPath("/users", consoleCall{method: http.MethodGet, after: 3})
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	gate.untilBlocked(1)
	require.NoError(t, s.client.CancelWorkflow(s.ctx(), run.GetID(), ""))
	require.Error(t, run.Get(s.ctx(), nil))
	gate.open()
	described, err := s.client.DescribeWorkflowExecution(s.ctx(), run.GetID(), "")
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, described.WorkflowExecutionInfo.Status)
	got := s.starter("export", "--format", "json")
	require.Equal(t, 1, got.code, got.stdout)
	require.Equal(t, wire.StatePromoted, s.runSync("-again").State)
	s.requireStoreMatchesConsole()
}

// The status shows pages as they arrive, and why a sync is waiting.
func TestSync_StatusWhileRunning(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{Seed: 19, Users: 5000, Latency: 20 * time.Millisecond})
	s.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/users", Only: consoletest.OnlyPages, After: 2,
	})
	s.startWorker()
	run := s.startSync("", wire.SyncInput{})
	require.EventuallyWithT(t, func(c *assertT) {
		status, err := s.trySyncStatus(run)
		require.NoError(c, err)
		users := status.Collections["users"]
		require.Equal(c, 2, users.Pages)
		require.Equal(c, 2000, users.Rows)
		require.NotNil(c, users.Expected)
		require.Equal(c, 5000, *users.Expected)
		require.Contains(c, users.Waiting, "GET /users: 502")
	}, limit, 50*time.Millisecond)
	s.console.ClearFaults()
	require.Equal(t, wire.StatePromoted, s.syncResult(run).State)
	s.requireStoreMatchesConsole()
}
