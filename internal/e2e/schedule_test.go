package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// shownSchedule is what `starter schedule` prints for programs.
type shownSchedule struct {
	Every  string `json:"every"`
	Paused bool   `json:"paused"`
	Runs   []struct {
		Outcome string `json:"outcome"`
		Error   string `json:"error"`
	} `json:"runs"`
	Delta *shownSchedule `json:"delta"`
}

// A worker that starts with SYNC_FULL_EVERY and SYNC_DELTA_EVERY sets the schedules up; the first full sync runs at
// once. A worker that starts later keeps to what an operator has changed.
func TestSchedule_SetUpByTheWorker(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{})
	s.extraEnv = []string{"SYNC_FULL_EVERY=24h", "SYNC_DELTA_EVERY=1h"}
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "Schedule of syncs created", 2))
	schedule := func(args ...string) (out shownSchedule) {
		t.Helper()
		got := s.starter(append([]string{"schedule", "-o", "json"}, args...)...)
		require.Zero(t, got.code, got.stderr)
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
		return out
	}
	require.Eventually(t, func() bool {
		runs := schedule("show").Runs
		return len(runs) == 1 && runs[0].Outcome == "promoted"
	}, limit, 100*time.Millisecond)
	s.requireStoreMatchesConsole()
	require.Equal(t, "1h", schedule("show").Delta.Every)

	require.True(t, schedule("pause").Paused)
	s.worker.Kill()
	s.extraEnv = []string{"SYNC_FULL_EVERY=12h"}
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "Schedule of syncs changed, as configured", 1))
	changed := schedule("show")
	require.True(t, changed.Paused)
	require.Equal(t, "12h", changed.Every)

	schedule("delete")
	s.worker.Kill()
	s.extraEnv = []string{"SYNC_FULL_EVERY=6h"}
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "stays as an operator has left it", 1))
	require.Contains(t, s.starter("schedule", "show").stderr, "no schedule")
}

// A sync that is due while somebody's sync of another id is under way is skipped; `starter sync` joins that one.
func TestSchedule_SkipsForSyncsOfOtherIDs(t *testing.T) {
	t.Parallel()
	s := newStack(t, consoletest.Options{})
	s.startWorker()
	s.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/service-users", Only: consoletest.OnlyPages,
	})
	byHand := s.startSync("/by-hand", wire.SyncInput{})
	s.untilSyncState(byHand, wire.StateDraining)
	got := s.starter("schedule", "set", "--full", "24h")
	require.Zero(t, got.code, got.stderr)
	id := wire.SyncID(s.consoleKey())
	handle := s.client.ScheduleClient().GetHandle(s.ctx(), id)
	require.NoError(t, handle.Trigger(s.ctx(), client.ScheduleTriggerOptions{}))
	var shown shownSchedule
	require.Eventually(t, func() bool {
		got = s.starter("schedule", "-o", "json")
		shown = shownSchedule{}
		return json.Unmarshal([]byte(got.stdout), &shown) == nil && len(shown.Runs) == 1 &&
			shown.Runs[0].Outcome == "skipped"
	}, limit, 100*time.Millisecond, "%v", &got)
	require.Contains(t, shown.Runs[0].Error, byHand.GetID()+" is under way since ")
	require.Contains(t, s.starter("sync").stderr, "joined "+byHand.GetID()+", which is already running")

	s.console.ClearFaults()
	require.Equal(t, wire.StatePromoted, s.syncResult(byHand).State)
	s.requireStoreMatchesConsole()
}
