package sync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// drainFrom drains the users of a console that answers each request to /users as answer
// says, which is given the cursor.
func drainFrom(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, cursor string)) wire.SyncDrainResult {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, r.URL.Query().Get("cursor"))
	}))
	t.Cleanup(server.Close)
	b := newSyncFixtureOf(t, nil, attempttest.Client(t, server.URL))
	only := []access.Collection{access.Users}
	b.mustBegin(wire.SyncBeginInput{Snapshot: "s1", Collections: only, StartedAt: b.sync.now().UTC()})
	return b.mustDrain(users(1))
}

// page writes users by number, as a console would.
func userPage(t *testing.T, w http.ResponseWriter, total any, next string, numbers ...int) {
	t.Helper()
	rows := []map[string]any{}
	for _, n := range numbers {
		rows = append(rows, map[string]any{"id": fmt.Sprintf("4188281363502%05d", n), "scope": "tenant"})
	}
	pagination := map[string]any{"nextCursor": next}
	if total != nil {
		pagination["totalItems"] = total
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"data": rows, "pagination": pagination}); err != nil {
		t.Errorf("write a page: %v", err)
	}
}

// Cursors that lead in a circle end the walk with a doubt.
func TestDrain_CursorsInACircle(t *testing.T) {
	t.Parallel()
	got := drainFrom(t, func(w http.ResponseWriter, _ *http.Request, cursor string) {
		next := map[string]string{"": "a", "a": "b", "b": "a"}[cursor]
		userPage(t, w, 3, next, len(cursor)+1, len(next)+2)
	})
	require.Contains(t, got.Doubt, "its pagination does not end")
	require.Greater(t, got.Pages, 1000)
}

// A cursor that the console no longer takes is a doubt about the walk, and no end of
// the sync: the next walk begins anew.
func TestDrain_CursorRefused(t *testing.T) {
	t.Parallel()
	got := drainFrom(t, func(w http.ResponseWriter, _ *http.Request, cursor string) {
		if cursor != "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"errors":[{"code":4000010,"title":"Validation Error",
				"detail":"Invalid cursor value received"}]}`)
			return
		}
		userPage(t, w, 3, "a", 1, 2)
	})
	require.Contains(t, got.Doubt, "no longer accepts the cursor of page 2")
}

// Without any count of the console nothing is proven, and nobody waits for one.
func TestDrain_NoCountAnywhere(t *testing.T) {
	t.Parallel()
	got := drainFrom(t, func(w http.ResponseWriter, _ *http.Request, _ string) { userPage(t, w, nil, "", 1, 2, 3) })
	require.Equal(t, 3, got.Rows)
	require.Contains(t, got.Doubt, "gives no count of users")
}

// A worker of another console does not touch the snapshot, wherever it joins.
func TestSync_OtherConsole(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	b.drainAll("s1")
	other := newSyncFixture(t, consoletest.Options{Seed: 2})
	other.sync.store = b.store
	all := access.Collections()
	for name, in := range map[string]any{
		wire.SyncCheckActivity:   wire.SyncCheckInput{Snapshot: "s1", Collections: all},
		wire.SyncDrainActivity:   users(2),
		wire.SyncSettleActivity:  settleInput("s1"),
		wire.SyncPromoteActivity: wire.SyncPromoteInput{Snapshot: "s1", Collections: all, By: ana},
		wire.SyncBeginActivity: wire.SyncBeginInput{
			Snapshot: "s2", Collections: all, Console: b.sync.console.Console(),
		},
	} {
		_, err := execute[wire.SyncSettleResult](other, name, in)
		app := attempttest.ApplicationError(t, err)
		require.Equal(t, string(kinds.Conflict), app.Type(), name)
		require.Contains(t, app.Message(), "its own task queue", name)
	}
	require.Zero(t, other.console.RequestCount())
	require.Equal(t, "promoted", b.mustSettle(settleInput("s1")).State)
	b.requireTruth()
}
