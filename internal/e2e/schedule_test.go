package e2e

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
)

// shownSchedule is what `starter schedule` prints for programs.
type shownSchedule struct {
	Every  string `json:"every"`
	Paused bool   `json:"paused"`
	Runs   []struct {
		Outcome string `json:"outcome"`
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
