package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// checkedConnection keeps a check of that age in a database, at which the environment points.
func checkedConnection(t *testing.T, age time.Duration) {
	t.Helper()
	url := "sqlite://" + filepath.Join(t.TempDir(), "x.db")
	environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL, "DATABASE_URL": url})
	db, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	at := time.Now().UTC().Add(-age)
	synced := at.Add(-time.Hour)
	kept, err := json.Marshal(connection.Evidence{
		Console: "acmeco.example.net", CheckedAt: at,
		Reachable:     &connection.Finding{OK: true, At: at, LastOK: &at, Detail: "it answers\x1b]0;owned\a"},
		Authenticated: &connection.Finding{OK: true, At: at, LastOK: &at},
		Permissions: &connection.Permissions{At: at, Needed: []connection.Permission{
			{Name: "Users.view", Use: connection.Read, Granted: new(true)},
		}},
		FullSync: &connection.Sync{ProvenAt: &synced},
		Ledger:   &connection.Ledger{At: at, Seq: 41, Sealed: true},
		Running:  &connection.Running{WorkflowID: "sync/acmeco.example.net", StartedAt: at},
	})
	require.NoError(t, err)
	require.NoError(t, db.KeepConnectionCheck(t.Context(), "acmeco.example.net", at, kept))
	require.NoError(t, db.Close())
}

// Without Temporal, the status is what the checks have kept, and how old that is.
//
//nolint:paralleltest // changes the environment
func TestStatus_ConnectionFromTheDatabase(t *testing.T) {
	checkedConnection(t, time.Minute)
	got := run(t, "status")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: temporal does not answer")
	require.Contains(t, got.out, "connection  Syncing\n")
	require.Regexp(t, `✓  reachable +1 min ago +it answers\\x1b`, got.out)
	require.Regexp(t, `✓  permitted to read +1 min ago +Users.view`, got.out)
	require.Regexp(t, `–  drift +never +not known before`, got.out)
	require.NotContains(t, got.out, "\x1b")
	report := decode[connection.Report](t, run(t, "status", "-o", "json"))
	require.Equal(t, connection.Syncing, report.Label)
	require.Len(t, report.Rungs, 13)

	checkedConnection(t, time.Hour)
	got = run(t, "status")
	require.Contains(t, got.out, "connection  Disconnected\n")
	require.Contains(t, got.out, "last checked 60 min ago (at most 15 min)")
}

// Temporal knows better than the last check whether a sync runs.
func TestStatus_RunningIsAsOfNow(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	evidence := connection.Evidence{Running: &connection.Running{WorkflowID: "sync/x", StartedAt: now}}
	c := &statusCommand{app: &app{now: time.Now}}
	judged := func(a statusAnswer) *connection.Running { return c.judgeConnection(&evidence, "x", a).Evidence.Running }
	require.NotNil(t, judged(statusAnswer{WorkflowID: "other"}))
	require.Nil(t, judged(statusAnswer{WorkflowID: "sync/x", Execution: "completed"}))
	running := statusAnswer{WorkflowID: "sync/y", Execution: "running", Status: &wire.SyncStatus{State: "draining"}}
	require.Equal(t, "sync/y", judged(running).WorkflowID)
	running.Status.State = wire.StateQuarantined
	require.Equal(t, "sync/x", judged(running).WorkflowID)
	require.NotNil(t, evidence.Running, "the evidence stays")
	require.Nil(t, c.judgeConnection(nil, "", running))
	require.Contains(t, c.judgeConnection(nil, "x", running).Why, "no check is on record")
}
