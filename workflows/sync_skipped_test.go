package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// A sync that is skipped ends after one activity: nothing is asked of the console, and nothing is dropped.
func TestSync_Skipped(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	s.on(wire.SyncBeginActivity, wire.SyncBeginInput{
		Snapshot: snapshot, Collections: access.Collections(), StartedAt: began,
	}).Return(wire.SyncBeginResult{Console: host, Skipped: "by-hand is under way"}, nil).Once()

	s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{})

	require.Equal(t, wire.SyncResult{
		Snapshot: snapshot, State: wire.StateUnchanged, StartedAt: began, FinishedAt: began,
		Counts: map[string]int{}, Warnings: []string{}, Skipped: "by-hand is under way",
	}, s.result())
	require.Equal(t, wire.StateUnchanged, s.status().State)
	requireNoNulls(t, s.status())
}
