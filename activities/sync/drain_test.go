package sync

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// pagesOfUsers is a console with 4 pages of users.
var pagesOfUsers = consoletest.Options{Users: 3500, Sites: 5}

func users(attempt int) wire.SyncDrainInput {
	return wire.SyncDrainInput{Snapshot: "s1", Collection: access.Users, Attempt: attempt}
}

// Every collection is walked and proven; with the count from before the walk a
// walk costs its pages and nothing more.
func TestDrain_ProvesEveryCollection(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{Accounts: 3, Sites: 1200, Users: 1001, ServiceUsers: 12})
	b.begin("s1")
	for c, pages := range map[access.Collection]int{
		access.Accounts: 1, access.Sites: 2, access.Roles: 1, access.Users: 2, access.ServiceUsers: 1,
	} {
		n := b.size(c)
		b.console.ResetRequests()
		got := b.mustDrain(wire.SyncDrainInput{Snapshot: "s1", Collection: c, Attempt: 1, Expected: &n})
		require.Equal(t, wire.SyncDrainResult{Pages: pages, Rows: n, Expected: &n, Requests: pages}, got, c)
		require.Equal(t, pages, b.console.RequestCount(), c)
	}
}

// Without a count from before the walk the console is asked once more.
func TestDrain_AsksForACountIfThereIsNone(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.begin("s1")
	got := b.mustDrain(users(1))
	require.Equal(t, wire.SyncDrainResult{Pages: 1, Rows: 20, Expected: new(20), Requests: 2}, got)
	require.True(t, b.console.Requests()[1].Count())
}

// Run again, it fetches no page again and says the same.
func TestDrain_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, pagesOfUsers)
	b.begin("s1")
	in := users(1)
	in.Expected = new(3500)
	first := b.mustDrain(in)
	second := b.mustDrain(in)
	require.Equal(t, first, second)
	require.Len(t, b.cursors(), 4)
}

// A walk that fails amid its pages resumes at the page it failed on, keeps a
// note for the status meanwhile, and asks for a short pause, since it got
// further.
func TestDrain_ResumesAtThePage(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, pagesOfUsers)
	b.begin("s1")
	b.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/users", Only: consoletest.OnlyPages, After: 2, Times: 1,
	})

	_, err := execute[wire.SyncDrainResult](b, wire.SyncDrainActivity, users(1))
	app := attempttest.ApplicationError(t, err)
	require.Equal(t, string(kinds.Unavailable), app.Type())
	require.False(t, app.NonRetryable())
	require.Equal(t, time.Second, app.NextRetryDelay())
	progress, err := b.store.Progress(t.Context(), "s1")
	require.NoError(t, err)
	waits := progress.Collections[access.Users]
	require.Equal(t, 2, waits.Pages)
	require.Equal(t, 2000, waits.Rows)
	require.Equal(t, 3, waits.Requests)
	require.NotNil(t, waits.Note)
	require.Contains(t, waits.Note.Text, "GET /users: 502")
	require.NotNil(t, waits.Note.NextTry)

	got := b.mustDrain(users(1))
	require.Equal(t, wire.SyncDrainResult{Pages: 4, Rows: 3500, Expected: new(3500), Requests: 6}, got)
	cursors := b.cursors()
	require.Len(t, cursors, 5, "4 pages, one of them twice")
	require.Equal(t, cursors[2], cursors[3])
	require.Len(t, slices.Compact(slices.Clone(cursors)), 4)
	progress, err = b.store.Progress(t.Context(), "s1")
	require.NoError(t, err)
	require.Nil(t, progress.Collections[access.Users].Note, "nothing waits any more")
}

// An attempt that got nowhere leaves the pause to the policy, or to the console
// where it says how long to wait.
func TestDrain_PauseWithoutProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault consoletest.Fault
		kind  kinds.Kind
		wait  time.Duration
	}{
		"500": {consoletest.Fault{Name: consoletest.ServerError}, kinds.Unavailable, 0},
		"429": {consoletest.Fault{Name: consoletest.RateLimited}, kinds.RateLimited, 0},
		"429 with Retry-After": {
			consoletest.Fault{Name: consoletest.RateLimited, RetryAfter: 40 * time.Second},
			kinds.RateLimited, 40 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			b.begin("s1")
			b.console.AddFault(c.fault)
			_, err := execute[wire.SyncDrainResult](b, wire.SyncDrainActivity, users(1))
			app := attempttest.ApplicationError(t, err)
			require.Equal(t, string(c.kind), app.Type())
			require.False(t, app.NonRetryable())
			require.Equal(t, c.wait, app.NextRetryDelay())
		})
	}
}

// A higher attempt starts over; the lower one is told to stop and harms nothing.
func TestDrain_StaleAttempt(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, pagesOfUsers)
	b.begin("s1")
	b.mustDrain(users(1))
	b.console.ResetRequests()
	second := b.mustDrain(users(2))
	require.Equal(t, 3500, second.Rows)
	require.Len(t, b.cursors(), 4)
	require.Empty(t, b.cursors()[0], "from the first page on")

	_, err := execute[wire.SyncDrainResult](b, wire.SyncDrainActivity, users(1))
	app := attempttest.ApplicationError(t, err)
	require.Equal(t, string(kinds.Unavailable), app.Type())
	require.False(t, app.NonRetryable())
	require.Len(t, b.cursors(), 4, "the late one asks the console for nothing")
	require.Equal(t, second, b.mustDrain(users(2)))
}

// Two runs of the same attempt at once, as after a lost heartbeat: one may be
// turned away, none spoils the other, and the rows are right.
func TestDrain_TwoAtOnce(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, pagesOfUsers)
	b.begin("s1")
	var runs sync.WaitGroup
	for range 2 {
		env := b.env()
		runs.Go(func() { _, _ = env.ExecuteActivity(wire.SyncDrainActivity, users(1)) })
	}
	runs.Wait()
	got, err := b.drain(users(1))
	require.NoError(t, err)
	require.Empty(t, got.Doubt)
	require.Equal(t, 3500, got.Rows)
}

// A worker that is stopping gives the walk up between two pages; another one
// resumes there.
func TestDrain_WorkerStops(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, pagesOfUsers)
	b.begin("s1")
	stop := make(chan struct{})
	env := b.env()
	env.SetWorkerStopChannel(stop)
	var once sync.Once
	b.console.OnRequest(func(r consoletest.Request) {
		if r.Cursor != "" {
			once.Do(func() { close(stop) })
		}
	})
	_, err := attempttest.Execute[wire.SyncDrainResult](b.t, env, wire.SyncDrainActivity, users(1))
	app := attempttest.ApplicationError(t, err)
	require.Equal(t, string(kinds.Unavailable), app.Type())
	require.False(t, app.NonRetryable())
	require.Contains(t, app.Message(), "the worker is stopping")
	require.Len(t, b.cursors(), 2)

	got := b.mustDrain(users(1))
	require.Equal(t, 3500, got.Rows)
	require.Len(t, b.cursors(), 4, "no page twice")
}

// While it waits for the console it says that it is alive, and how far it is.
func TestDrain_Heartbeats(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{Users: 1500})
	b.begin("s1")
	env := b.env()
	beats := make(chan Progress, 100)
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var p Progress
		if details.Get(&p) == nil {
			beats <- p
		}
	})
	var heard []Progress
	b.console.OnRequest(func(r consoletest.Request) {
		if r.Cursor == "" {
			return
		}
		select { // the second page is held back until a heartbeat has come
		case p := <-beats:
			heard = append(heard, p)
		case <-time.After(2 * time.Minute):
		}
	})
	_, err := attempttest.Execute[wire.SyncDrainResult](b.t, env, wire.SyncDrainActivity, users(1))
	require.NoError(t, err)
	require.Equal(t, []Progress{{Pages: 1, Rows: 1000}}, heard)
}

// A collection that nobody knows is a final error.
func TestDrain_UnknownCollection(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	_, err := b.sync.readPage(t.Context(), "groups", console.ListOptions{})
	require.Equal(t, kinds.Invalid, fault.KindOf(err))
	require.Zero(t, b.console.RequestCount())
}
