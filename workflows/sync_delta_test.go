package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

func (s *testEnv) follows(out wire.SyncDeltaResult) *testsuite.MockCallWrapper {
	in := wire.SyncDeltaInput{Snapshot: snapshot, Console: host}
	return s.on(wire.SyncDeltaActivity, in).Return(out, nil).Once()
}

func (s *testEnv) delta() {
	s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Mode: wire.ModeDelta, Console: host})
	require.True(s.t, s.IsWorkflowCompleted())
}

// A delta sync that is sure is one activity, and nothing is drained.
func TestSyncDelta_Promoted(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	settled := promoted()
	settled.Requests, settled.Drift = 5, map[string]int{"overdue": 1}
	s.follows(wire.SyncDeltaResult{Console: host, Settled: settled}).After(time.Minute)
	var seen wire.SyncStatus
	s.at(time.Second, func() { seen = s.status() })

	s.delta()

	require.Equal(t, wire.SyncResult{
		Snapshot: snapshot, State: "promoted", StartedAt: began, FinishedAt: began.Add(time.Minute),
		Counts: promotedCounts, Changes: wire.AssignmentChanges{Added: 54}, Requests: 5, Warnings: []string{},
		Mode: "delta", Drift: map[string]int{"overdue": 1},
	}, s.result())
	require.Equal(t, "checking", seen.State)
	require.Empty(t, seen.Collections)
	requireNoNulls(t, seen)
	require.Equal(t, host, s.status().Console)
}

// Where a delta cannot be sure, the same run goes on as a full sync, and says why.
func TestSyncDelta_BecomesAFullSync(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	s.follows(wire.SyncDeltaResult{
		Console: host, Full: "a role was deleted", Settled: wire.SyncSettleResult{Requests: 2},
	})
	s.goesOnAsFull()

	s.delta()

	got := s.result()
	require.Equal(t, "a role was deleted", got.FullBecause)
	require.Empty(t, got.Mode)
	require.Equal(t, 2+6+5*2+1, got.Requests)
	require.Equal(t, &wire.FeedMeasure{Missed: 1, Changes: 9}, got.Feed)
	require.Len(t, s.status().Collections, 5)
}

func (s *testEnv) goesOnAsFull() {
	all := access.Collections()
	s.on(wire.SyncBeginActivity, wire.SyncBeginInput{
		Snapshot: snapshot, Collections: all, StartedAt: began, Console: host,
	}).Return(wire.SyncBeginResult{Console: host}, nil).Once()
	s.checks(wire.SyncCheckResult{Expected: sizesOf(all...), Requests: 6}, all...)
	s.drainsProven(all...)
	out := promoted()
	out.Feed = &wire.FeedMeasure{Missed: 1, Changes: 9}
	s.settles(wire.SyncSettleInput{Collections: all}, out)
}

// An activity feed that stays down does not hold up the sync: after a few attempts a full one takes its place.
func TestSyncDelta_FeedThatIsDown(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	s.on(wire.SyncDeltaActivity, wire.SyncDeltaInput{Snapshot: snapshot, Console: host}).
		Return(failing[wire.SyncDeltaInput, wire.SyncDeltaResult](errDown)).Times(4)
	all := access.Collections()
	s.on(wire.SyncBeginActivity, mock.Anything).Return(wire.SyncBeginResult{Console: host}, nil).Once()
	s.checks(wire.SyncCheckResult{Expected: sizesOf(all...)}, all...)
	s.drainsProven(all...)
	s.settles(wire.SyncSettleInput{Collections: all}, promoted())

	s.delta()

	require.Contains(t, s.result().FullBecause, errDown.Error())
	require.Equal(t, "promoted", s.result().State)
}

// A cancelled delta sync ends cancelled, and drops no snapshot: it has none.
func TestSyncDelta_Cancelled(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	s.follows(wire.SyncDeltaResult{}).After(time.Hour)
	s.at(time.Minute, s.CancelWorkflow)
	s.delta()
	require.True(t, temporal.IsCanceledError(s.GetWorkflowError()))
	require.Equal(t, "failed", s.status().State)
}

// Modes that do not exist, and a delta of some collections, are refused before anything runs. Mode full is what no mode
// is.
func TestSyncDelta_Modes(t *testing.T) {
	t.Parallel()
	for want, in := range map[string]wire.SyncInput{
		`unknown mode "fast": choose full or delta`:   {Mode: "fast"},
		"a sync of mode delta covers all collections": {Mode: wire.ModeDelta, Collections: []string{"users"}},
		"mode is 4096 bytes long":                     {Mode: string(make([]byte, 1<<12))},
	} {
		s := newTestEnv(t)
		s.ExecuteWorkflow(wire.SyncType, in)
		require.Equal(t, string(kinds.Invalid), s.failure().Type())
		require.Contains(t, s.failure().Message(), want)
	}
	s := newTestEnv(t)
	one := []access.Collection{access.Accounts}
	s.opens(one...)
	s.drainsProven(one...)
	s.settles(wire.SyncSettleInput{Collections: one}, promoted())
	s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Mode: wire.ModeFull, Collections: []string{"accounts"}})
	require.Equal(t, "promoted", s.result().State)
	require.Empty(t, s.result().FullBecause)
}
