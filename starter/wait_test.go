package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/wire"
)

// script is a sync that is seen as told, one sighting a look.
type script struct {
	seen []pendingObservation
	err  error
	stop func() // called at the end of the script; nil ends with err
}

func (s *script) look(context.Context, startedRun) (pendingObservation, error) {
	if len(s.seen) == 0 {
		if s.stop != nil {
			s.stop()
		}
		return pendingObservation{}, s.err
	}
	next := s.seen[0]
	s.seen = s.seen[1:]
	return next, nil
}

var thisRun = startedRun{WorkflowID: "sync/acmeco.example.net", RunID: "run-1", Started: true}

func watchScript(ctx context.Context, t *testing.T, s *script, json bool) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr strings.Builder
	p := &app{
		out: &stdout, err: &stderr, now: func() time.Time { return noon }, output: format{json: json},
		cfg: config.Config{Console: config.Console{BaseURL: baseURL}},
	}
	err = p.wait(ctx, s, thisRun)
	return stdout.String(), stderr.String(), err
}

func draining(rows int, waiting string) pendingObservation {
	return pendingObservation{status: &wire.SyncStatus{
		State: wire.StateDraining,
		Collections: map[string]wire.CollectionStatus{
			"users": {
				State: wire.CollectionDraining, Attempt: 1, Pages: rows / 1000,
				Rows: rows, Expected: new(3000), Waiting: waiting,
			},
			"roles": {State: wire.CollectionWaiting},
		},
	}}
}

func ended(state string) pendingObservation {
	return pendingObservation{over: true, result: &wire.SyncResult{
		Snapshot: "run-1", State: state, StartedAt: noon, FinishedAt: noon.Add(1500 * time.Millisecond),
		Counts:  map[string]int{"assignments": 7, "users": 3000, "accounts": 1},
		Changes: wire.AssignmentChanges{Added: 7, Removed: 2}, Requests: 12,
		Warnings: []string{"the API token expires in 5 days"},
	}}
}

func TestWait_LinesOnlyWhereSomethingChanged(t *testing.T) {
	t.Parallel()
	out, errOut, err := watchScript(t.Context(), t, &script{seen: []pendingObservation{
		draining(1000, ""), draining(1000, ""),
		{trouble: "Temporal does not answer at x; trying again"},
		{trouble: "Temporal does not answer at x; trying again"},
		draining(2000, "GET /users: 429"), ended(wire.StatePromoted),
	}}, false)
	require.NoError(t, err)
	require.Equal(t, `draining
  users: draining, 1000 of 3000 rows, 1 page
Temporal does not answer at x; trying again
  users: draining, 2000 of 3000 rows, 2 pages, waiting: GET /users: 429
warning: the API token expires in 5 days
`, errOut)
	require.Equal(t, `SYNCED       ROWS
accounts     1
users        3000
assignments  7

promoted: assignments +7 -2, 12 requests in 1.5s
`, out)
}

func TestWait_Quarantined(t *testing.T) {
	t.Parallel()
	held := pendingObservation{status: &wire.SyncStatus{
		State:      wire.StateQuarantined,
		Quarantine: &wire.Quarantine{Reasons: []string{"users: 30 of 100 would be gone"}, Until: noon},
	}}
	out, _, err := watchScript(t.Context(), t, &script{seen: []pendingObservation{held}}, false)
	require.ErrorIs(t, err, errHeld)
	require.Contains(t, out, "  - users: 30 of 100 would be gone\n")
	require.Contains(t, out, "\n  starter confirm\n")
	require.Contains(t, out, "--workflow-id sync/acmeco.example.net --name discard")
	require.Contains(t, out, `--name confirm --input '{"by":"ana@example.com"}'`)
	require.Contains(t, out, "Without a decision by 2026-03-10 12:00 UTC it is discarded")
}

func TestWait_GoesOnOnceSomeoneHasDecided(t *testing.T) {
	t.Parallel()
	deciding := pendingObservation{status: &wire.SyncStatus{
		State:      wire.StateQuarantined,
		Quarantine: &wire.Quarantine{Decision: wire.ConfirmUpdate, By: "ana@example.com"},
	}}
	promoted := &script{seen: []pendingObservation{deciding, ended(wire.StatePromoted)}}
	_, _, err := watchScript(t.Context(), t, promoted, false)
	require.NoError(t, err)
}

func TestWait_EndsBadly(t *testing.T) {
	t.Parallel()
	_, _, err := watchScript(t.Context(), t, &script{seen: []pendingObservation{ended(wire.StateQuarantined)}}, false)
	require.ErrorContains(t, err, "discarded")

	refused := errors.New("GET /users: 401")
	_, _, err = watchScript(t.Context(), t, &script{seen: []pendingObservation{{over: true, failure: refused}}}, false)
	require.ErrorIs(t, err, refused)

	lost := errors.New("no such workflow")
	_, _, err = watchScript(t.Context(), t, &script{err: lost}, false)
	require.ErrorIs(t, err, lost)
}

func TestWait_CtrlCSaysHowToComeBack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := watchScript(ctx, t, &script{seen: []pendingObservation{draining(0, "")}, stop: cancel}, false)
	require.EqualError(t, err,
		"stopped watching; the sync continues. Resume with `starter sync --wait`, or see `starter status`")
}

func TestWait_JSON(t *testing.T) {
	t.Parallel()
	out, errOut, err := watchScript(t.Context(), t,
		&script{seen: []pendingObservation{draining(1, ""), ended(wire.StateUnchanged)}}, true)
	require.NoError(t, err)
	require.Empty(t, errOut)
	got := decode[outcome](t, ran{out: out})
	require.Equal(t, thisRun, got.startedRun)
	require.Equal(t, wire.StateUnchanged, got.Result.State)

	failed := &script{seen: []pendingObservation{{over: true, failure: errors.New("no")}}}
	out, _, err = watchScript(t.Context(), t, failed, true)
	require.EqualError(t, err, "no")
	require.Equal(t, "no", decode[outcome](t, ran{out: out}).Error)
}

func TestBars_DrawWhatIsSeen(t *testing.T) {
	t.Parallel()
	var drawn strings.Builder
	b := newBars(&drawn)
	b.show(draining(1000, "GET /users: 429 with a very long explanation that would not fit on any terminal's line"))
	b.show(ended(wire.StatePromoted))
	b.end()
	require.Contains(t, drawn.String(), string(access.Users))
	require.Contains(t, drawn.String(), "waiting: GET /users: 429")
	require.Contains(t, drawn.String(), "…")
}

func TestIDFlag(t *testing.T) {
	t.Parallel()
	p := &app{cfg: config.Config{Console: config.Console{BaseURL: baseURL}}}
	require.Empty(t, p.idFlag("sync/acmeco.example.net"))
	require.Equal(t, " --id nightly", p.idFlag("nightly"))
}

// A sync says why it became a full one, what the feed missed, and why it was skipped.
func TestConclude_DeltaSyncs(t *testing.T) {
	t.Parallel()
	say := func(r wire.SyncResult) (string, string) {
		var out, err strings.Builder
		(&app{out: &out, err: &err}).conclude(startedRun{WorkflowID: "sync/x"},
			pendingObservation{over: true, result: &r})
		return out.String(), err.String()
	}
	out, remarks := say(wire.SyncResult{
		State: wire.StatePromoted, FullBecause: "a role was deleted",
		Feed: &wire.FeedMeasure{Missed: 2, Changes: 40},
	})
	require.Contains(t, out, "\npromoted: assignments +0 -0, 0 requests in ")
	require.Equal(t, "a full sync took the place of the delta sync: a role was deleted\n"+
		"activity feed: missed 2 of 40 changes since the last full sync\n", remarks)
	out, remarks = say(wire.SyncResult{State: wire.StateUnchanged, Mode: wire.ModeDelta, Requests: 2})
	require.Contains(t, out, "\nunchanged (delta): assignments +0 -0, 2 requests in ")
	require.Empty(t, remarks)
	_, remarks = say(wire.SyncResult{State: wire.StateUnchanged, Skipped: "nightly is under way"})
	require.Equal(t, "skipped: nightly is under way\n", remarks)
}
