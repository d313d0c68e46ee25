//go:build record

package e2e

import (
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

var syncScenarios = map[string]scenario{
	"promoted":               recordPromoted,
	"unchanged":              recordUnchanged,
	"some_collections":       recordSubset,
	"drained_again":          recordDrainedAgain,
	"waited_out":             recordWaitedOut,
	"quarantined_confirmed":  recordConfirmed,
	"quarantined_discarded":  recordDiscarded,
	"quarantined_cancelled":  recordCancelledInQuarantine,
	"forbidden":              recordForbidden,
	"cancelled_while_paging": recordCancelled,
	"unknown_collection":     recordUnknownCollection,
	"delta_unchanged":        recordDeltaUnchanged,
	"delta_promoted":         recordDeltaPromoted,
	"delta_that_is_full":     recordDeltaThatIsFull,
}

func recordPromoted(s *stack) string {
	run := s.startSync("", wire.SyncInput{})
	require.Equal(s.t, wire.StatePromoted, s.syncResult(run).State)
	return run.GetID()
}

func recordUnchanged(s *stack) string {
	s.runSync("-first")
	run := s.startSync("", wire.SyncInput{})
	require.Equal(s.t, wire.StateUnchanged, s.syncResult(run).State)
	return run.GetID()
}

func recordSubset(s *stack) string {
	run := s.startSync("", wire.SyncInput{Collections: []string{"users", "roles"}})
	require.Equal(s.t, wire.StatePromoted, s.syncResult(run).State)
	return run.GetID()
}

func recordDrainedAgain(s *stack) string {
	s.console.AddFault(consoletest.Fault{
		Name: consoletest.Vanish, Path: "/users", Only: consoletest.OnlyPages, Times: 1,
	})
	return recordPromoted(s)
}

func recordWaitedOut(s *stack) string {
	s.console.AddFault(consoletest.Fault{
		Name: consoletest.RateLimited, Path: "/users", Times: 2, RetryAfter: time.Second,
	})
	return recordPromoted(s)
}

func recordQuarantined(s *stack) string {
	s.runSync("-first")
	s.console.RemoveUsers(30)
	run := s.startSync("", wire.SyncInput{})
	s.untilSyncState(run, wire.StateQuarantined)
	return run.GetID()
}

func recordConfirmed(s *stack) string { return recordDecided(s, "confirm") }
func recordDiscarded(s *stack) string { return recordDecided(s, "discard") }

func recordDecided(s *stack, decision string) string {
	id := recordQuarantined(s)
	got := s.starter(decision, "--id", id, "--by", "carol@example.com")
	require.Zero(s.t, got.code, got.stderr)
	require.NoError(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
	return id
}

func recordCancelledInQuarantine(s *stack) string {
	id := recordQuarantined(s)
	require.NoError(s.t, s.client.CancelWorkflow(s.ctx(), id, ""))
	require.Error(s.t, s.client.GetWorkflow(s.ctx(), id, "").Get(s.ctx(), nil))
	return id
}

func recordForbidden(s *stack) string {
	s.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Only: consoletest.OnlyPages})
	run := s.startSync("", wire.SyncInput{})
	require.Error(s.t, run.Get(s.ctx(), nil))
	return run.GetID()
}

func recordCancelled(s *stack) string {
	s.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users", Only: consoletest.OnlyPages})
	run := s.startSync("", wire.SyncInput{})
	require.NoError(s.t, s.console.WaitForRequests(s.ctx(), 2, isPageOf("/users")))
	require.NoError(s.t, s.client.CancelWorkflow(s.ctx(), run.GetID(), ""))
	require.Error(s.t, run.Get(s.ctx(), nil))
	return run.GetID()
}

// recordDeltaThatIsFull is the first delta sync of a console: it knows nothing of the feed.
func recordDeltaThatIsFull(s *stack) string {
	s.runSync("-first")
	return recordDelta(s, "")
}

func recordDeltaUnchanged(s *stack) string {
	recordDelta(s, "")
	return recordDelta(s, wire.ModeDelta)
}

func recordDeltaPromoted(s *stack) string {
	recordDelta(s, "")
	s.console.RemoveUsers(1)
	return recordDelta(s, wire.ModeDelta)
}

// recordDelta starts a delta sync, which must end as one of the mode: "" is a full one.
func recordDelta(s *stack, mode string) string {
	run := s.startSync("-"+mode, wire.SyncInput{Mode: wire.ModeDelta})
	require.Equal(s.t, mode, s.syncResult(run).Mode)
	return run.GetID()
}

func recordUnknownCollection(s *stack) string {
	run := s.startSync("", wire.SyncInput{Collections: []string{"groups"}})
	require.Error(s.t, run.Get(s.ctx(), nil))
	return run.GetID()
}
