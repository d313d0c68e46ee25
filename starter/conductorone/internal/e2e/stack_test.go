package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// limit is how long a test waits for one thing before it fails.
const limit = 3 * time.Minute

// stack is a simulated console with a database, a task queue and a worker of its own.
type stack struct {
	t            *testing.T
	temporal     *testbed.DevServer
	console      *consoletest.Server
	client       client.Client
	database     string // DATABASE_URL
	queue        string
	policyFile   string
	extraEnv     []string // of the worker, the starter and the connector
	workerOutput *testbed.Output
	worker       *testbed.Process // the latest one
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

// env is the environment of the worker, of the connector and of the commands that a test runs.
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
	s.worker, err = testbed.StartProcess(s.workerOutput, s.env(), program(workerProgram))
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

// sync has the worker sync the console.
func (s *stack) sync() {
	s.t.Helper()
	out := s.syncResult(s.startSync())
	require.Contains(s.t, []string{wire.StatePromoted, wire.StateUnchanged}, out.State, "%+v", out)
}

func (s *stack) startSync() client.WorkflowRun {
	s.t.Helper()
	run, err := s.client.ExecuteWorkflow(s.ctx(), client.StartWorkflowOptions{
		ID: wire.SyncID(s.consoleKey()), TaskQueue: s.queue,
	}, wire.SyncType, wire.SyncInput{By: "bob@example.com"})
	require.NoError(s.t, err)
	return run
}

func (s *stack) syncResult(run client.WorkflowRun) (out wire.SyncResult) {
	s.t.Helper()
	require.NoError(s.t, run.Get(s.ctx(), &out))
	return out
}

// untilState polls the status of a workflow until it is in a state.
func (s *stack) untilState(id interface{ GetID() string }, state string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.state(id.GetID()) == state }, limit, 50*time.Millisecond)
}

// state is the state that the status of a workflow says; "" if that is not known.
func (s *stack) state(id string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx(), 10*time.Second)
	defer cancel()
	value, err := s.client.QueryWorkflow(ctx, id, "", wire.StatusQuery)
	if err != nil {
		return ""
	}
	var out struct {
		State string `json:"state"`
	}
	require.NoError(s.t, value.Get(&out))
	return out.State
}

// consoleKey is the key of the console in the store: its host and port.
func (s *stack) consoleKey() string { return strings.TrimPrefix(s.console.URL, "http://") }

// commandResult is the exit code and the output of a command that has ended.
type commandResult struct {
	code           int
	stdout, stderr string
}

// run runs a program to its end.
func (s *stack) run(name string, env []string, args ...string) commandResult {
	s.t.Helper()
	got, err := testbed.Run(s.ctx(), s.t.TempDir(), env, program(name), args...)
	require.NoError(s.t, err)
	return commandResult{code: got.Code, stdout: got.Stdout, stderr: got.Stderr}
}

func (s *stack) starter(args ...string) commandResult {
	s.t.Helper()
	return s.run(starterProgram, s.env(), args...)
}

// oneShot runs the connector without ConductorOne: it syncs into a .c1z, or does the one thing that the flags name.
func (s *stack) oneShot(file string, args ...string) commandResult {
	s.t.Helper()
	return s.run(connectorProgram, s.env(), append([]string{"--file", file}, args...)...)
}

// syncTo syncs into a .c1z.
func (s *stack) syncTo(file string, args ...string) {
	s.t.Helper()
	got := s.oneShot(file, args...)
	require.Zero(s.t, got.code, "%s%s", got.stdout, got.stderr)
}
