package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/export"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// limit is how long a test waits for one thing before it fails.
const limit = 4 * time.Minute

// stack is a simulated console with a database, a task queue and a worker of its own. The
// worker is a process, on a real Temporal server.
type stack struct {
	t            *testing.T
	temporal     *testbed.DevServer
	console      *consoletest.Server
	client       client.Client
	database     string // DATABASE_URL
	queue        string
	policyFile   string   // POLICY_FILE: approves everything, until setPolicy
	extraEnv     []string // overrides the variables above
	workerOutput *testbed.Output
	worker       *testbed.Process // the latest one
	store        *store.Store     // opened by openStore
}

func newStack(t *testing.T, o consoletest.Options) *stack {
	t.Helper()
	return newStackOn(t, shared, o)
}

func newStackOn(t *testing.T, temporal *testbed.DevServer, o consoletest.Options) *stack {
	t.Helper()
	c, err := temporal.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	s := &stack{
		t: t, temporal: temporal, client: c,
		console:      consoletest.Start(t, o),
		database:     "sqlite://" + filepath.Join(t.TempDir(), "store.db"),
		queue:        "queue-" + t.Name(),
		policyFile:   filepath.Join(t.TempDir(), "policy.yaml"),
		workerOutput: &testbed.Output{},
	}
	s.setPolicy(testbed.AutoApprove)
	return s
}

// setPolicy writes the policy that workers started from now on follow.
func (s *stack) setPolicy(text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(s.policyFile, []byte(text), 0o600))
}

// restartWithPolicy kills the worker and starts another one, which follows another policy.
func (s *stack) restartWithPolicy(text string) {
	s.t.Helper()
	s.worker.Kill()
	s.setPolicy(text)
	s.startWorker()
}

// env is the environment of the worker and of the commands that a test runs.
func (s *stack) env() []string {
	return append([]string{
		"SENTINELONE_BASE_URL=" + s.console.URL,
		"SENTINELONE_API_TOKEN=" + s.console.Token(),
		"DATABASE_URL=" + s.database,
		"TASK_QUEUE=" + s.queue,
		"TEMPORAL_ADDRESS=" + s.temporal.Address,
		"LOG_FORMAT=json",
		"LOG_LEVEL=debug",
		"POLICY_FILE=" + s.policyFile,
		"CONNECTION_CHECK_EVERY=0", // its requests would be in the way of those that tests count and break
	}, s.extraEnv...)
}

const readyText = "Worker is ready"

// startWorker starts a worker and waits until it polls.
func (s *stack) startWorker() {
	s.t.Helper()
	before := strings.Count(s.workerOutput.String(), readyText)
	var err error
	s.worker, err = testbed.StartProcess(s.workerOutput, s.env(), programs.Worker)
	require.NoError(s.t, err)
	s.t.Cleanup(s.worker.Kill)
	require.NoError(s.t, s.workerOutput.WaitFor(s.ctx(), readyText, before+1))
}

// ctx ends with the test, and after limit at the latest.
func (s *stack) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	s.t.Cleanup(cancel)
	return ctx
}

// commandResult is the exit code and the output of a command that has ended.
type commandResult struct {
	code           int
	stdout, stderr string
}

// run runs one of our programs, or the Temporal CLI, to its end.
func (s *stack) run(program string, args ...string) commandResult {
	s.t.Helper()
	return runProgram(s.t, s.env(), program, args...)
}

// starter runs our command. A worker on a busy machine may answer a query later than the command waits: it has changed
// nothing then, and is run again, thrice at most.
func (s *stack) starter(args ...string) commandResult {
	s.t.Helper()
	for again := 0; ; again++ {
		got := s.run(programs.Starter, args...)
		if got.code == 0 || !isUnanswered(got.stderr) || args[0] == "sync" || again == 3 {
			return got
		}
		s.t.Logf("%v again: %s", args, got.stderr)
	}
}

// isUnanswered says that a command has waited for a worker in vain.
func isUnanswered(said string) bool {
	return strings.Contains(said, "no worker answers on task queue") ||
		strings.Contains(said, "did not answer in time: try again")
}

// cli runs the official Temporal CLI.
func (s *stack) cli(args ...string) commandResult {
	s.t.Helper()
	cli, err := testbed.TemporalCLI()
	require.NoError(s.t, err)
	return s.run(cli, args...)
}

// startSync starts a sync whose workflow id has the name of the test.
func (s *stack) startSync(suffix string, in wire.SyncInput) client.WorkflowRun {
	s.t.Helper()
	run, err := s.client.ExecuteWorkflow(s.ctx(), client.StartWorkflowOptions{
		ID: s.syncID(suffix), TaskQueue: s.queue,
	}, wire.SyncType, in)
	require.NoError(s.t, err)
	return run
}

func (s *stack) syncID(suffix string) string { return wire.SyncID(s.t.Name() + suffix) }

// syncResult waits for the end of a sync and returns its result.
func (s *stack) syncResult(run client.WorkflowRun) wire.SyncResult {
	s.t.Helper()
	var out wire.SyncResult
	require.NoError(s.t, run.Get(s.ctx(), &out))
	return out
}

// runSync runs a sync of everything and returns its result.
func (s *stack) runSync(suffix string) wire.SyncResult {
	s.t.Helper()
	return s.syncResult(s.startSync(suffix, wire.SyncInput{}))
}

// syncStatus queries the status of a sync.
func (s *stack) syncStatus(run client.WorkflowRun) wire.SyncStatus {
	s.t.Helper()
	out, err := s.trySyncStatus(run)
	require.NoError(s.t, err)
	return out
}

// trySyncStatus is syncStatus for those who ask again: a workflow that has just been started has no status.
func (s *stack) trySyncStatus(run client.WorkflowRun) (out wire.SyncStatus, err error) {
	value, err := s.client.QueryWorkflow(s.ctx(), run.GetID(), run.GetRunID(), wire.StatusQuery)
	if err == nil {
		err = value.Get(&out)
	}
	if err != nil {
		return out, err
	}
	return s.completer().Sync(s.ctx(), out), nil
}

// completer completes statuses from the worker's database, as the starter does.
func (s *stack) completer() *livestatus.Completer {
	return livestatus.NewCompleter(livestatus.From(s.openStore()), s.consoleKey())
}

// untilSyncState polls the status until the sync is in a state.
func (s *stack) untilSyncState(run client.WorkflowRun, state string) wire.SyncStatus {
	s.t.Helper()
	var last wire.SyncStatus
	require.EventuallyWithT(s.t, func(c *assertT) {
		var err error
		last, err = s.trySyncStatus(run)
		require.NoError(c, err)
		requireState(c, state, last)
	}, limit, 100*time.Millisecond)
	return last
}

// export is the output of `starter export`.
func (s *stack) export() string {
	s.t.Helper()
	got := s.starter("export", "--format", "json")
	require.Zero(s.t, got.code, got.stderr)
	return got.stdout
}

// requireStoreMatchesConsole compares the export of the store with the console, byte by byte.
func (s *stack) requireStoreMatchesConsole() {
	s.t.Helper()
	requireSameJSON(s.t, truthJSON(s.t, s.console.Truth()), s.export())
}

// truthJSON is the export of a store that holds exactly what is on the console.
func truthJSON(t *testing.T, truth consoletest.Truth) string {
	t.Helper()
	var b bytes.Buffer
	sink := export.NewJSON(&b)
	for _, a := range truth.Accounts {
		require.NoError(t, sink.Account(a))
	}
	for _, v := range truth.Sites {
		require.NoError(t, sink.Site(v))
	}
	for _, v := range truth.Roles {
		require.NoError(t, sink.Role(v))
	}
	for _, kind := range []string{"user", "serviceUser"} {
		for _, p := range truth.Principals {
			if string(p.Kind) == kind {
				require.NoError(t, sink.Principal(p))
			}
		}
	}
	for _, a := range sortedAssignments(truth) {
		require.NoError(t, sink.Assignment(a))
	}
	require.NoError(t, sink.Close())
	return b.String()
}

// requireSameJSON compares two exports row by row, for a readable difference, then byte by
// byte.
func requireSameJSON(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	var a, b map[string][]any
	require.NoError(t, json.Unmarshal([]byte(want), &a))
	require.NoError(t, json.Unmarshal([]byte(got), &b))
	for section := range a {
		require.Len(t, b[section], len(a[section]), section)
		for i := range a[section] {
			require.Equal(t, a[section][i], b[section][i], "%s, row %d", section, i)
		}
	}
	require.Fail(t, "the rows are the same, the bytes differ")
}
