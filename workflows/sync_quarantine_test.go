package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

const (
	loss = "12 of 20 users would be gone (more than 25 %)"
	ana  = "ana@example.com"
	bob  = "bob@example.com"
)

const week = 7 * 24 * time.Hour

func quarantined(reasons ...string) wire.SyncSettleResult {
	return wire.SyncSettleResult{
		State: wire.SettledQuarantined, Reasons: reasons, Counts: map[string]int{"users": 8}, Removed: 30,
	}
}

// quarantineScene is a sync of the users that comes to be quarantined at once.
func quarantineScene(t *testing.T) *testEnv {
	t.Helper()
	s := newTestEnv(t)
	s.opens(access.Users)
	s.drainsProven(access.Users)
	s.settles(wire.SyncSettleInput{Collections: []access.Collection{access.Users}}, quarantined(loss))
	return s
}

func promoteInput() wire.SyncPromoteInput {
	return wire.SyncPromoteInput{Snapshot: snapshot, Collections: []access.Collection{access.Users}, By: ana}
}

// While it waits, the status says for what, why and until when.
func TestSync_QuarantineThenConfirm(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.on(wire.SyncPromoteActivity, promoteInput()).After(time.Minute).Return(wire.SyncSettleResult{
		State: "promoted", Counts: map[string]int{"users": 8}, Removed: 30, Warnings: []string{"sites are left out"},
	}, nil).Once()
	var waiting, promoting wire.SyncStatus
	s.at(time.Hour, func() { waiting = s.status() })
	confirmed := s.send(2*time.Hour, "confirm", by(ana))
	s.at(2*time.Hour+30*time.Second, func() {
		promoting = s.status()
		require.True(t, confirmed.accepted)
		require.False(t, confirmed.done, "the answer must wait until the decision is carried out")
	})

	s.sync("users")

	require.Equal(t, "quarantined", waiting.State)
	require.Equal(t, &wire.Quarantine{Reasons: []string{loss}, Until: began.Add(week)}, waiting.Quarantine)
	require.Equal(t, "for confirm or discard until 2026-11-09 09:00:00 UTC: "+loss, waiting.Waiting)
	require.Nil(t, waiting.Result)
	require.Equal(t, &wire.Quarantine{
		Reasons: []string{loss}, Until: began.Add(week), Decision: "confirm", By: ana,
	}, promoting.Quarantine)
	require.NoError(t, confirmed.err)
	require.Equal(t, decided("confirm", ana, "promoted"), confirmed.decided)
	require.Equal(t, wire.SyncResult{
		Snapshot: snapshot, State: "promoted", StartedAt: began, FinishedAt: began.Add(2*time.Hour + time.Minute),
		Counts: map[string]int{"users": 8}, Changes: wire.AssignmentChanges{Removed: 30}, Requests: 9,
		Warnings: []string{loss, "confirmed by " + ana, "sites are left out"},
	}, s.result())
}

func TestSync_QuarantineThenDiscard(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.discards(wire.SyncDiscardInput{By: bob, Why: "discarded by " + bob})
	discarded := s.send(time.Hour, "discard", by(bob))

	s.sync("users")

	require.NoError(t, discarded.err)
	require.Equal(t, decided("discard", bob, "quarantined"), discarded.decided)
	got := s.result()
	require.Equal(t, "quarantined", got.State)
	require.Equal(t, []string{loss, "discarded by " + bob}, got.Warnings)
	require.Equal(t, "discard", s.status().Quarantine.Decision)
}

// Without a decision for a week the snapshot is dropped, in nobody's name, and the sync
// ends quarantined rather than failed.
func TestSync_QuarantineThatNobodyDecides(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.discards(wire.SyncDiscardInput{Why: "not decided until 2026-11-09 09:00 UTC"})

	s.sync("users")

	got := s.result()
	require.Equal(t, "quarantined", got.State)
	require.Equal(t, began.Add(week), got.FinishedAt)
	require.Equal(t, []string{loss, "not decided until 2026-11-09 09:00 UTC"}, got.Warnings)
}

// A decision that comes while the snapshot is being dropped must not be told
// that it was taken.
func TestSync_DecisionAfterTheDeadlineIsRefused(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.discards(wire.SyncDiscardInput{Why: "not decided until 2026-11-09 09:00 UTC"}).After(time.Minute)
	late := s.send(week+30*time.Second, "confirm", by(ana))

	s.sync("users")

	require.Equal(t, "quarantined", s.result().State)
	require.False(t, late.accepted)
	requireRefused(t, late.rejected, "too late")
}

// A cancelled quarantine drops the snapshot and ends cancelled.
func TestSync_QuarantineCancelled(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.discards(wire.SyncDiscardInput{Why: "cancelled", Failed: true}).After(time.Minute)
	s.at(time.Hour, s.CancelWorkflow)
	late := s.send(time.Hour+30*time.Second, "confirm", by(ana))

	s.sync("users")

	require.True(t, temporal.IsCanceledError(s.GetWorkflowError()), "%v", s.GetWorkflowError())
	require.Equal(t, "failed", s.status().State)
	requireRefused(t, late.rejected, "too late")
}

// Whoever confirmed gets an answer also when the sync is cancelled before the
// promotion is done.
func TestSync_CancelledWhilePromoting(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.on(wire.SyncPromoteActivity, promoteInput()).After(time.Hour).Return(promoted(), nil).Once()
	s.discards(wire.SyncDiscardInput{Why: "cancelled", Failed: true}).After(time.Minute)
	confirmed := s.send(time.Hour, "confirm", by(ana))
	s.at(time.Hour+time.Minute, s.CancelWorkflow)

	s.sync("users")

	require.True(t, temporal.IsCanceledError(s.GetWorkflowError()), "%v", s.GetWorkflowError())
	require.True(t, confirmed.done)
	require.NoError(t, confirmed.err)
	require.Equal(t, decided("confirm", ana, "failed"), confirmed.decided)
}

// A confirmed snapshot that another sync has overtaken is not promoted.
func TestSync_ConfirmedButOvertaken(t *testing.T) {
	t.Parallel()
	s := quarantineScene(t)
	s.on(wire.SyncPromoteActivity, promoteInput()).Return(wire.SyncSettleResult{
		State: wire.SettledAgain, Again: []access.Collection{access.Users}, Why: "moved",
	}, nil).Once()
	const why = "other syncs of this console overtook this one 1 times: start it again when they are done"
	s.discards(wire.SyncDiscardInput{Why: why, Failed: true})
	confirmed := s.send(time.Hour, "confirm", by(ana))

	s.sync("users")

	require.Equal(t, string(kinds.Conflict), s.failure().Type())
	require.Equal(t, "failed", confirmed.decided.State)
}

func decided(decision, by, state string) wire.QuarantineAnswer {
	return wire.QuarantineAnswer{Snapshot: snapshot, Decision: decision, By: by, State: state}
}

func requireRefused(t *testing.T, err error, text string) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, string(kinds.Refused), app.Type())
	require.Contains(t, app.Message(), text)
}
