//nolint:paralleltest,thelper // the environment is the process's; subtests have names of their own
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// scripted stands in for the Sync workflow: it has its messages, and the first
// collection says how it ends. What starter does is under test here, not Sync.
func scripted(ctx workflow.Context, in wire.SyncInput) (wire.SyncResult, error) {
	status := wire.SyncStatus{
		State: wire.StateDraining, Snapshot: "s1", Warnings: []string{},
		Collections: map[string]wire.CollectionStatus{
			"users": {State: wire.CollectionProven, Rows: 20, Attempt: 1},
		},
	}
	decided := ""
	decide := func(name string) error {
		return workflow.SetUpdateHandlerWithOptions(ctx, name,
			func(_ workflow.Context, in wire.QuarantineDecision) (wire.QuarantineAnswer, error) {
				decided = name
				return wire.QuarantineAnswer{Snapshot: "s1", Decision: name, By: in.By, State: wire.StatePromoted}, nil
			},
			workflow.UpdateHandlerOptions{Validator: func(wire.QuarantineDecision) error {
				if status.Quarantine == nil {
					return errors.New("nothing to decide: this sync is not quarantined")
				}
				return nil
			}})
	}
	err := errors.Join(
		workflow.SetQueryHandler(ctx, wire.StatusQuery,
			func() (wire.SyncStatus, error) { return status, nil }),
		decide(wire.ConfirmUpdate), decide(wire.DiscardUpdate),
	)
	if err != nil {
		return wire.SyncResult{}, err
	}
	switch {
	case len(in.Collections) == 0:
	case in.Collections[0] == "accounts" && len(in.Collections) > 1:
		return wire.SyncResult{State: wire.StateUnchanged, Skipped: "by-hand\x1b is under way"}, nil
	case in.Collections[0] == "accounts":
		return wire.SyncResult{},
			temporal.NewNonRetryableApplicationError("the token was refused", "Unauthenticated", nil)
	case in.Collections[0] == "sites":
		err = workflow.Await(ctx, func() bool { return false })
		return wire.SyncResult{}, err
	case in.Collections[0] == "roles": // as one that reads everything, in the state that the second one names
		status.Console, status.State = in.Console, in.Collections[1]
		for _, c := range access.Collections() {
			status.Collections[string(c)] = wire.CollectionStatus{State: wire.CollectionWaiting}
		}
		workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	case in.Collections[0] == "serviceUsers":
		workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
	case in.Collections[0] == "users":
		status.State = wire.StateQuarantined
		status.Quarantine = &wire.Quarantine{Reasons: []string{"users: 15 of 20 would be gone"}, Until: noon}
		if err := workflow.Await(ctx, func() bool { return decided != "" }); err != nil {
			return wire.SyncResult{}, err
		}
	}
	result := wire.SyncResult{
		Snapshot: "s1", State: wire.StatePromoted, StartedAt: noon, FinishedAt: noon,
		Counts: map[string]int{"users": 20}, Warnings: []string{},
	}
	status.State, status.Result = result.State, &result
	return result, workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// onDevServer starts a real Temporal server and points the environment at it.
func onDevServer(t *testing.T) *testbed.DevServer {
	t.Helper()
	server, err := testbed.StartDevServer(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	environ(t, map[string]string{"TEMPORAL_ADDRESS": server.Address, "SENTINELONE_BASE_URL": baseURL, "USER": "ana"})
	return server
}

// startWorker works on the scripted sync until stop is called.
func startWorker(t *testing.T, server *testbed.DevServer) (stop func()) {
	t.Helper()
	c, err := server.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, wire.DefaultTaskQueue, worker.Options{DeadlockDetectionTimeout: waitLimit})
	w.RegisterWorkflowWithOptions(scripted, workflow.RegisterOptions{Name: wire.SyncType})
	w.RegisterActivity(func() error { return nil }) // so that it polls for activities too
	require.NoError(t, w.Start())
	e := &temporalclient.Connection{Client: c, TaskQueue: wire.DefaultTaskQueue}
	polls := func() bool { return e.WorkerPolls(t.Context()) == nil }
	require.Eventually(t, polls, waitLimit, 50*time.Millisecond)
	workerIsUp.Store(true)
	return func() { workerIsUp.Store(false); w.Stop() }
}

func TestEngine(t *testing.T) {
	server := onDevServer(t)
	require.True(t, t.Run("no worker", noWorker))
	stop := sync.OnceFunc(startWorker(t, server))
	defer stop()
	for name, test := range map[string]func(*testing.T){
		"promoted": promotedSync, "failed": failedSync, "joined": joinedSync, "quarantined": quarantinedSync,
		"interrupted": interruptedSync, "schedule": scheduledSync, "unknown": unknownSync,
	} {
		t.Run(name, test)
	}
	stop()
	require.True(t, t.Run("worker gone", workerGone))
}

// workerGone asks for what only the service can still answer. The task queue of the
// environment is not that of the sync, which is the one to name.
func workerGone(t *testing.T) {
	t.Setenv("TASK_QUEUE", "another")
	ended := decode[statusAnswer](t, run(t, "status", "-o", "json"))
	require.Nil(t, ended.Status)
	require.Equal(t, "completed", ended.Execution)
	require.Equal(t, wire.StatePromoted, ended.Result.State)
	// A slow machine may come here when the service no longer waits for the worker, or cannot say in time that it was
	// there.
	const none = `^no worker answers on task queue "sentinelone"(( within 5s)?, though one has polled it in the last ` +
		"minutes: it is busy, or has just stopped)?; "
	require.Regexp(t, none+"the sync has ended, and only a worker knows the details$", ended.Note)
	require.Contains(t, run(t, "status").out, "\npromoted: assignments +0 -0")

	running := decode[statusAnswer](t, run(t, "status", "--id", "long", "-o", "json"))
	require.Nil(t, running.Result)
	require.Regexp(t, none+"the sync continues as soon as one does$", running.Note)

	failed := decode[statusAnswer](t, run(t, "status", "--id", "failing", "-o", "json"))
	require.Equal(t, "the token was refused", failed.Error)
	require.Nil(t, failed.Result)
}

func noWorker(t *testing.T) {
	got := run(t, "sync")
	require.Equal(t, exitFailed, got.code)
	require.Regexp(t, `^error: no worker polls task queue "sentinelone" in namespace "default" at 127.0.0.1:\d+: `+
		"start `worker` there, or set TASK_QUEUE\n$", got.errOut)

	got = run(t, "status")
	require.Equal(t, exitFailed, got.code, "nothing was started")
	require.Contains(t, got.errOut, `there is no sync "sync/acmeco.example.net"`)

	t.Setenv("TEMPORAL_NAMESPACE", "nowhere")
	got = run(t, "sync")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `has no namespace "nowhere"`)
}

func promotedSync(t *testing.T) {
	got := run(t, "sync", "--wait")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "started sync/acmeco.example.net\n")
	require.Contains(t, got.out, "promoted: assignments +0 -0")

	status := decode[statusAnswer](t, run(t, "status", "-o", "json"))
	require.Equal(t, "completed", status.Execution)
	require.Equal(t, wire.StatePromoted, status.Result.State)
	require.Contains(t, run(t, "status").out, "promoted")

	finished := decode[outcome](t, run(t, "sync", "--wait", "-o", "json"))
	require.True(t, finished.Started)
	require.Equal(t, 20, finished.Result.Counts["users"])
}

func failedSync(t *testing.T) {
	got := run(t, "sync", "--wait", "--collections", "accounts", "--id", "failing")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: the token was refused\n")

	status := decode[statusAnswer](t, run(t, "status", "--id", "failing", "-o", "json"))
	require.Equal(t, "failed", status.Execution)
	require.Equal(t, "the token was refused", status.Error)
}

func joinedSync(t *testing.T) {
	first := decode[startedRun](t, run(t, "sync", "--id", "long", "--collections", "sites", "-o", "json"))
	require.True(t, first.Started)
	second := decode[startedRun](t, run(t, "sync", "--id", "long", "-o", "json"))
	require.False(t, second.Started)
	require.Equal(t, first.RunID, second.RunID)
	got := run(t, "sync", "--id", "long")
	require.Contains(t, got.errOut, "joined long, which is already running\n")
	require.Contains(t, got.errOut, "starter sync --wait --id long")

	got = run(t, "confirm", "--id", "long")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, noKey+"error: nothing to decide: this sync is not quarantined\n", got.errOut)
}

func quarantinedSync(t *testing.T) {
	for decision, want := range map[string]string{
		"confirm": "confirmed by ana: snapshot s1 is promoted\n",
		"discard": "discarded by ana: snapshot s1 is dropped\n",
	} {
		got := run(t, "sync", "--wait", "--collections", "users", "--id", decision)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.out, "users: 15 of 20 would be gone")
		require.Contains(t, got.out, "\n  starter confirm --id "+decision+"\n")
		// A busy machine may leave a question unanswered for longer than status waits.
		explained := func() bool {
			return strings.Contains(run(t, "status", "--id", decision).out, "quarantined, because:")
		}
		require.Eventually(t, explained, waitLimit, 50*time.Millisecond)

		got = run(t, decision, "--id", decision)
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Equal(t, want, got.out)
		require.Equal(t, exitDone, run(t, "sync", "--id", decision, "--wait").code)
	}
	got := run(t, "discard", "--id", "confirm")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `no sync "confirm" is waiting for a decision`)
}

// interrupted stops watching, or does something else, as soon as something is seen.
type interrupted struct {
	bytes.Buffer

	on   string // "" for a sync that is being drained
	stop func()
}

func (i *interrupted) Write(p []byte) (int, error) {
	if strings.Contains(string(p), cmp.Or(i.on, wire.StateDraining)) {
		i.stop()
	}
	return i.Buffer.Write(p)
}

func interruptedSync(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	errOut := &interrupted{stop: cancel}
	code := Main(ctx, []string{"sync", "--wait", "--id", "watched", "--collections", "sites"}, &out, errOut)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut.String(), "error: stopped watching; the sync continues. Resume with "+
		"`starter sync --wait --id watched`")
	require.Contains(t, run(t, "status", "--id", "watched").out, "running")
}

func scheduledSync(t *testing.T) {
	got := run(t, "schedule")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "no schedule sync/acmeco.example.net")

	for _, every := range []string{"1h", "1d"} { // twice: it is made, then changed
		got = run(t, "schedule", "--every", every)
		require.Equal(t, exitDone, got.code, got.errOut)
	}
	answer := decode[scheduleAnswer](t, run(t, "schedule", "-o", "json"))
	require.True(t, answer.Scheduled)
	require.Equal(t, "24h", answer.Every)
	require.NotEmpty(t, answer.Next)

	for range 2 {
		got = run(t, "schedule", "--delete")
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Equal(t, "removed the schedule sync/acmeco.example.net\n", got.out)
	}
}

func unknownSync(t *testing.T) {
	got := run(t, "confirm", "--id", "never")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `no sync "never" is waiting for a decision`)
}
