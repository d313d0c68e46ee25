//nolint:paralleltest,thelper // the environment is the process's; subtests have names of their own
package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/wire"
)

const scheduleID = "sync/acmeco.example.net"

// What no schedule can be is a sentence and exit code 2, before Temporal is asked.
func TestSchedule_AskedWrongly(t *testing.T) {
	for want, args := range map[string][]string{
		"missing --full, --every, --cron or --delta":            {"set"},
		"--full: 59s is too short: use 1m0s or more":            {"set", "--full", "59s"},
		"--delta: 30s is too short":                             {"set", "--full", "1h", "--delta", "30s"},
		"--jitter: 10m0s is as long as the interval":            {"set", "--delta", "5m", "--jitter", "10m"},
		"--delta covers all collections":                        {"set", "--delta", "5m", "--collections", "users"},
		"--mode: unknown mode \"some\": use full or delta":      {"pause", "--mode", "some"},
		"--every: 5s is too short":                              {"set", "--every", "5s"},
		"--full: invalid duration":                              {"set", "--full", ""},
		"--cron: \"often\" is not a cron expression":            {"set", "--cron", "often"},
		"--cron: \"*/9 * * * * *\" is not a cron":               {"set", "--cron", "*/9 * * * * *"},
		"--cron: \"@every 10s\" is an interval":                 {"set", "--cron", "@every 10s"},
		"--cron and --full exclude each other":                  {"set", "--full", "1h", "--cron", "@daily"},
		"--jitter: 1h0m0s is as long as the interval":           {"set", "--full", "1h", "--jitter", "1h"},
		"--jitter: invalid duration":                            {"set", "--full", "1h", "--jitter", "some"},
		"--catch-up: 1s is out of bounds":                       {"set", "--full", "1h", "--catch-up", "1s"},
		"unknown collection":                                    {"set", "--full", "1h", "--collections", "groups"},
		"of kind grant begin so":                                {"pause", "--id", "grant/INC-1"},
		"unknown command \"stop\": see `starter schedule":       {"stop"},
		"--reason is 1048576 bytes long":                        {"pause", "--reason", strings.Repeat("x", 1<<20)},
		"unexpected argument \"now\": see `starter schedule tr": {"trigger", "now"},
	} {
		environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL})
		got := run(t, append([]string{"schedule"}, args...)...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.errOut)
		require.Contains(t, got.errOut, want)
	}
	for _, args := range [][]string{{"show"}, {"pause"}, {"trigger"}, {"delete"}, {"set", "--full", "1h"}} {
		environ(t, nil)
		got := run(t, append([]string{"schedule"}, args...)...)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.errOut, "console unknown")

		environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL})
		got = run(t, append([]string{"schedule"}, args...)...)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.errOut, "TEMPORAL_ADDRESS")
	}
}

func scheduleJSON(t *testing.T, args ...string) scheduleAnswer {
	t.Helper()
	got := run(t, append([]string{"schedule", "-o", "json"}, args...)...)
	require.Equal(t, exitDone, got.code, got.errOut)
	return decode[scheduleAnswer](t, got)
}

// The life of a schedule on a real server.
func TestSchedule(t *testing.T) {
	server := onDevServer(t)
	t.Cleanup(startWorker(t, server))
	c, err := server.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	for _, step := range []struct {
		name string
		test func(*testing.T, client.Client)
	}{
		{"set and changed", scheduleSet},
		{"paused and resumed", schedulePaused},
		{"triggered", scheduleTriggered},
		{"skipped", scheduleSkipped},
		{"joined", scheduleJoined},
		{"of another id", scheduleJoinsOthers},
		{"by cron", scheduleCron},
		{"deltas", scheduleDeltas},
		{"gone", scheduleGone},
	} {
		require.True(t, t.Run(step.name, func(t *testing.T) { step.test(t, c) }))
	}
}

// Setting it twice is the same as once, and what is not given gets its default.
func scheduleSet(t *testing.T, c client.Client) {
	for range 2 {
		got := scheduleJSON(t, "set", "--full", "24h", "--jitter", "10m", "--catch-up", "2d")
		require.Equal(t, scheduleAnswer{
			ID: scheduleID, Scheduled: true, Every: "24h", Jitter: "10m", CatchUp: "48h", Next: got.Next,
			Recent: []string{}, Runs: []scheduledRun{},
		}, got)
		require.NotEmpty(t, got.Next)
	}
	d, err := c.ScheduleClient().GetHandle(t.Context(), scheduleID).Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, d.Schedule.Policy.Overlap)

	got := scheduleJSON(t, "set", "--full", "12h")
	require.Equal(t, "12h", got.Every)
	require.Empty(t, got.Jitter)
	require.Equal(t, "12h", got.CatchUp, "one interval")

	text := run(t, "schedule", "set", "--every", "1d", "--jitter", "30s")
	require.Equal(t, exitDone, text.code, text.errOut)
	require.Contains(t, text.out, "starts    every 24h\n")
	require.Contains(t, text.out, "jitter    up to 30s later\n")
	require.Contains(t, text.out, "catch-up  up to 24h late, if Temporal was down\n")
	require.Contains(t, text.errOut, scheduleID+" has started no sync yet: `starter schedule trigger` starts one now")
	require.Equal(t, 3, strings.Count(text.out, " 00:00 UTC\n"), text.out)
}

func schedulePaused(t *testing.T, _ client.Client) {
	for _, why := range []string{"INC-42", "INC-43"} {
		got := scheduleJSON(t, "pause", "--reason", why)
		require.True(t, got.Paused)
		require.Equal(t, why, got.Note)
	}
	require.Contains(t, run(t, "schedule", "show").out, "paused    INC-43\n")
	require.True(t, scheduleJSON(t, "set", "--full", "12h").Paused, "a change is no resume")
	for range 2 {
		require.False(t, scheduleJSON(t, "resume").Paused)
	}
}

func scheduleTriggered(t *testing.T, _ client.Client) {
	done := decode[outcome](t, run(t, "schedule", "trigger", "--wait", "-o", "json"))
	require.True(t, done.Started)
	require.Equal(t, wire.StatePromoted, done.Result.State)
	require.True(t, strings.HasPrefix(done.WorkflowID, scheduleID+"-"), done.WorkflowID)

	failing := run(t, "schedule", "set", "--full", "12h", "--collections", "accounts")
	require.Equal(t, exitDone, failing.code, failing.errOut)
	failing = run(t, "schedule", "trigger", "--wait")
	require.Equal(t, exitFailed, failing.code, failing.out)
	require.Contains(t, failing.errOut, "error: the token was refused\n")

	got := scheduleJSON(t, "show")
	require.Len(t, got.Runs, 2)
	require.Equal(t, 2, got.Started)
	require.Equal(t, done.WorkflowID, got.Recent[0])
	require.Equal(t, scheduledRun{
		WorkflowID: done.WorkflowID, RunID: done.RunID, StartedAt: got.Runs[0].StartedAt,
		Outcome: wire.StatePromoted, Changes: &wire.AssignmentChanges{},
	}, got.Runs[0])
	require.Equal(t, "failed", got.Runs[1].Outcome)
	require.Equal(t, "the token was refused", got.Runs[1].Error)
	text := run(t, "schedule", "show").out
	require.Contains(t, text, "promoted: assignments +0 -0")
	require.Contains(t, text, "failed: the token was refused")
	require.Less(t, strings.Index(text, "failed:"), strings.Index(text, "promoted:"), "the latest first")
}

// A sync that leaves its work to another one says so, and which.
func scheduleSkipped(t *testing.T, _ client.Client) {
	require.Equal(t, exitDone, run(t, "schedule", "set", "--full", "12h", "--collections", "accounts,sites").code)
	got := run(t, "schedule", "trigger", "--wait")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "skipped: by-hand\\x1b is under way\n")
	skipped := last(scheduleJSON(t, "show").Runs)
	require.Equal(t, "skipped", skipped.Outcome)
	require.Nil(t, skipped.Changes)
	require.Contains(t, run(t, "schedule", "show").out, "skipped: by-hand\\x1b is under way\n")
}

// A sync that the schedule has started is joined, by trigger and by sync, and its result is theirs.
func scheduleJoined(t *testing.T, c client.Client) {
	require.Equal(t, exitDone, run(t, "schedule", "set", "--full", "12h", "--collections", "serviceUsers").code)
	first := decode[startedRun](t, run(t, "schedule", "trigger", "-o", "json"))
	require.True(t, first.Started)
	again := decode[startedRun](t, run(t, "schedule", "trigger", "-o", "json"))
	require.Equal(t, startedRun{WorkflowID: first.WorkflowID, RunID: first.RunID}, again)
	joined := decode[startedRun](t, run(t, "sync", "-o", "json"))
	require.Equal(t, again, joined)
	said := run(t, "sync")
	require.Contains(t, said.errOut, "joined "+first.WorkflowID+", which is already running\n")
	require.Contains(t, said.errOut, "see `starter status --id "+first.WorkflowID+"`")
	require.Equal(t, "running", last(scheduleJSON(t, "show").Runs).Outcome)

	// One that is due while it runs is skipped.
	require.NoError(t, c.ScheduleClient().GetHandle(t.Context(), scheduleID).
		Trigger(t.Context(), client.ScheduleTriggerOptions{}))
	require.Eventually(t, func() bool { return scheduleJSON(t, "show").Skipped == 1 }, waitLimit, 50*time.Millisecond)
	require.Contains(t, run(t, "schedule", "show").out, "skipped   1 sync, since the sync before still ran\n")

	var out bytes.Buffer
	errOut := &interrupted{on: "joined " + first.WorkflowID, stop: sync.OnceFunc(func() {
		require.NoError(t, c.SignalWorkflow(t.Context(), first.WorkflowID, first.RunID, "end", nil))
	})}
	require.Equal(t, exitDone, Main(t.Context(), []string{"sync", "--wait"}, &out, errOut), errOut.String())
	require.Contains(t, out.String(), "promoted: assignments +0 -0")
	require.Equal(t, wire.StatePromoted, last(scheduleJSON(t, "show").Runs).Outcome)

	// What has ended is joined no more.
	ended := decode[outcome](t, run(t, "sync", "--wait", "-o", "json"))
	require.True(t, ended.Started)
	require.Equal(t, scheduleID, ended.WorkflowID)
}

// A full sync of the console is joined whatever its id is, unless it has read already, is of another console or task
// queue, or the command names an id.
func scheduleJoinsOthers(t *testing.T, c client.Client) {
	start := func(id, console, state, queue string) client.WorkflowRun {
		other, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: queue},
			wire.SyncType, wire.SyncInput{Console: console, Collections: []string{"roles", state}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.TerminateWorkflow(context.Background(), id, "", "")) })
		return other
	}
	host := strings.TrimPrefix(scheduleID, "sync/")
	start("not-here", "other.example.net", wire.StateDraining, wire.DefaultTaskQueue)
	start("held", host, wire.StateQuarantined, wire.DefaultTaskQueue)
	start("elsewhere", host, wire.StateDraining, "another-queue")
	require.Eventually(t, func() bool {
		running, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: "WorkflowType = 'Sync' AND ExecutionStatus = 'Running'",
		})
		return err == nil && running.GetCount() == 3
	}, waitLimit, 50*time.Millisecond)
	own := decode[outcome](t, run(t, "sync", "--wait", "-o", "json"))
	require.Equal(t, scheduleID, own.WorkflowID)
	require.True(t, own.Started)

	other := start("by-hand", host, wire.StateSettling, wire.DefaultTaskQueue)
	byHand := startedRun{WorkflowID: "by-hand", RunID: other.GetRunID()}
	require.Eventually(t, func() bool {
		return byHand == decode[startedRun](t, run(t, "sync", "-o", "json"))
	}, waitLimit, 50*time.Millisecond, "Temporal lists it soon")
	require.Equal(t, byHand, decode[startedRun](t, run(t, "schedule", "trigger", "-o", "json")))
	require.Equal(t, byHand, decode[startedRun](t, run(t, "sync", "--collections", "users,roles", "-o", "json")))
	require.Contains(t, run(t, "sync").errOut, "joined by-hand, which is already running\n")
	named := decode[outcome](t, run(t, "sync", "--id", "mine", "--wait", "-o", "json"))
	require.True(t, named.Started)
	require.Equal(t, "mine", named.WorkflowID)
}

func last[T any](all []T) T { return all[len(all)-1] }

// Temporal keeps the times of a cron expression, and not its text; show knows it nevertheless.
func scheduleCron(t *testing.T, c client.Client) {
	for _, cron := range []string{"30 3 * * 1-5", "CRON_TZ=Europe/Berlin 30 3 * * MON-FRI", "@daily"} {
		got := scheduleJSON(t, "set", "--cron", cron)
		require.Equal(t, cron, got.Cron)
		require.Empty(t, got.Every)
		require.Equal(t, "24h", got.CatchUp)
		require.NotEmpty(t, got.Next)
		require.Contains(t, run(t, "schedule", "show").out, "starts    "+cron+"\n")
	}
	berlin := scheduleJSON(t, "set", "--cron", "CRON_TZ=Asia/Tokyo 30 3 * * *")
	require.Equal(t, "18:30", berlin.Next[0].Format("15:04"), "in UTC")
	d, err := c.ScheduleClient().GetHandle(t.Context(), scheduleID).Describe(t.Context())
	require.NoError(t, err)
	require.Empty(t, d.Schedule.Spec.Intervals, "the interval is gone")
}

// Delta syncs have a schedule of their own beside that of full ones.
func scheduleDeltas(t *testing.T, c client.Client) {
	got := scheduleJSON(t, "set", "--delta", "5m")
	require.NotEmpty(t, got.Cron, "the other schedule is not touched")
	require.Equal(t, scheduleID+"/delta", got.Delta.ID)
	require.Equal(t, "5m", got.Delta.Every)
	both := run(t, "schedule", "set", "--full", "12h", "--delta", "10m", "--jitter", "1m")
	require.Equal(t, exitDone, both.code, both.errOut)
	require.Contains(t, both.out, "starts    every 12h\njitter    up to 1m later\n")
	require.Contains(t, both.out, "starts    every 10m\njitter    up to 1m later\n")
	require.Contains(t, both.errOut, "starter schedule trigger --mode delta")

	for _, mode := range []string{wire.ModeFull, wire.ModeDelta} {
		got = scheduleJSON(t, "pause", "--mode", mode)
		require.Equal(t, mode == wire.ModeFull, got.Paused)
		require.Equal(t, mode == wire.ModeDelta, got.Delta.Paused)
		got = scheduleJSON(t, "resume")
		require.False(t, got.Paused || got.Delta.Paused)
	}
	got = scheduleJSON(t, "pause")
	require.True(t, got.Paused && got.Delta.Paused)

	done := decode[outcome](t, run(t, "schedule", "trigger", "--mode", "delta", "--wait", "-o", "json"))
	require.True(t, strings.HasPrefix(done.WorkflowID, scheduleID+"/delta-"), done.WorkflowID)
	var in wire.SyncInput
	history := c.GetWorkflowHistory(t.Context(), done.WorkflowID, done.RunID, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	event, err := history.Next()
	require.NoError(t, err)
	require.NoError(t, codec.DataConverter(nil).FromPayloads(
		event.GetWorkflowExecutionStartedEventAttributes().GetInput(), &in))
	require.Equal(t, wire.SyncInput{Console: "acmeco.example.net", Mode: wire.ModeDelta}, in)
	require.Len(t, scheduleJSON(t, "show").Delta.Runs, 1)

	gone := run(t, "schedule", "delete", "--mode", "full")
	require.Equal(t, "removed the schedule "+scheduleID+"\n", gone.out, gone.errOut)
	left := scheduleJSON(t, "show")
	require.False(t, left.Scheduled)
	require.Equal(t, "10m", left.Delta.Every)
	require.NotContains(t, run(t, "schedule").out, "12h")
	require.Equal(t, exitDone, run(t, "schedule", "set", "--full", "12h").code)
	require.Equal(t, "removed the schedule "+scheduleID+"\nremoved the schedule "+scheduleID+"/delta\n",
		run(t, "schedule", "delete").out)
}

func scheduleGone(t *testing.T, _ client.Client) {
	for range 2 {
		got := run(t, "schedule", "delete")
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Equal(t, "removed the schedule "+scheduleID+"\n", got.out)
	}
	for _, args := range [][]string{{"show"}, {"pause"}, {"resume"}, {"trigger"}} {
		got := run(t, append([]string{"schedule"}, args...)...)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.errOut, "no schedule "+scheduleID+": set one with `starter schedule set --full 24h`")
	}
	require.False(t, scheduleJSON(t, "delete").Scheduled)
}
