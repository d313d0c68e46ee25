package connection

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/store"
)

// markFeed lets delta syncs go on from a full sync, which read the feed without a gap.
func (f *fixture) markFeed(snapshot string) {
	f.t.Helper()
	host := f.checks.console.Console()
	require.NoError(f.t, f.store.MarkFeed(f.t.Context(), host, store.FeedMark{
		Snapshot: snapshot, Types: []int{23}, At: f.clock, TakenAt: f.clock,
	}))
	_, err := f.store.MeasureFeed(f.t.Context(), store.MeasureInput{Console: host, Snapshot: snapshot, Read: true})
	require.NoError(f.t, err)
}

// delta promotes a delta sync that adds a row to each collection.
func (f *fixture) delta(id string) {
	f.t.Helper()
	host := f.checks.console.Console()
	feed, err := f.store.Feed(f.t.Context(), host, "")
	require.NoError(f.t, err)
	added := map[access.Collection]access.Entity{
		access.Accounts:     access.Account{ID: "101", Name: "Acme"},
		access.Sites:        access.Site{ID: "201", Name: "Berlin", AccountID: "101"},
		access.Roles:        access.Role{ID: "301", Name: "Admin", Scope: access.Tenant},
		access.Users:        access.Principal{Kind: access.User, ID: "401", Email: "ana@example.com"},
		access.ServiceUsers: serviceUser("501", f.clock.AddDate(1, 0, 0)),
	}
	in := store.DeltaInput{
		Console: host, ID: id, StartedAt: f.clock, Base: feed.Base, Feed: store.FeedProgress{ReadAt: f.clock},
		Parts: map[access.Collection]store.DeltaPart{},
	}
	for c, e := range added {
		in.Parts[c] = store.DeltaPart{Entities: []access.Entity{e}}
	}
	out, err := f.store.ApplyDelta(f.t.Context(), in)
	require.NoError(f.t, err)
	require.Equal(f.t, store.StatePromoted, out.State)
}

// The rung of delta syncs says how far the feed is read, and what it missed. A delta sync proves no full one.
func TestCheck_DeltaSync(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	host := f.checks.console.Console()
	requireRung := func(want connection.State, says string) connection.Report {
		t.Helper()
		f.clock = f.clock.Add(time.Minute)
		r := f.check()
		require.Equal(t, want, state(r, connection.RungDeltaSync))
		require.Contains(t, r.Rung(connection.RungDeltaSync).Evidence, says)
		require.Empty(t, r.Evidence.Faults)
		return r
	}
	f.sync("s1")
	requireRung(connection.Unknown, "no delta sync has run")
	require.NoError(t, f.store.WantFeed(t.Context(), host))
	requireRung(connection.Unknown, "no delta sync has run")
	f.markFeed("s1")
	before := requireRung(connection.OK, "ended 1 min ago")
	f.clock = f.clock.Add(2 * time.Hour)
	requireRung(connection.Notice, "the last one ended 2 h ago, and no schedule starts them: run")
	f.scheduled(schedule.Schedule{Spec: schedule.EachInterval(5 * time.Minute)}, nil)
	requireRung(connection.Wrong, "the last one ended 2 h ago (at most 1 h)")

	f.delta("d1")
	read := f.clock
	after := requireRung(connection.OK, "ended 1 min ago")
	require.Equal(t, read.Truncate(time.Microsecond), after.Evidence.DeltaSync.At)
	require.Equal(t, before.Evidence.FullSync.ProvenAt, after.Evidence.FullSync.ProvenAt, "of the full sync")

	f.sync("s2")
	f.markFeed("s2")
	r := requireRung(connection.Notice, "the activity feed missed 5 of 10 changes before the full sync of ")
	require.NotNil(t, r.Evidence.DeltaSync.MeasuredAt)
	require.NoError(t, f.store.MarkFeed(t.Context(), host, store.FeedMark{Why: "the console answers 403"}))
	requireRung(connection.Notice, "the next one is a full sync: the console answers 403")
	f.clock = f.clock.Add(2 * time.Hour)
	requireRung(connection.Wrong, "and the next one is a full sync: the console answers 403")
}

// Temporal says whether a schedule starts delta syncs. While it does not answer, what it said before holds.
func TestCheck_DeltaSchedule(t *testing.T) {
	t.Parallel()
	f := newFixture(t, consoletest.Options{})
	asked := 0
	find := f.checks.schedule
	f.checks.schedule = func(ctx context.Context, id string) (schedule.Schedule, error) {
		asked++
		return find(ctx, id)
	}
	f.sync("s1")
	f.check()
	require.Zero(t, asked, "nothing to ask before the first delta sync")
	require.NoError(t, f.store.WantFeed(t.Context(), f.checks.console.Console()))
	f.markFeed("s1")
	found := func() *connection.DeltaSync {
		f.clock = f.clock.Add(time.Minute)
		return f.check().Evidence.DeltaSync
	}
	requireSchedule := func(every time.Duration, paused bool) {
		t.Helper()
		d := found()
		require.Equal(t, access.Duration(every), d.Every)
		require.Equal(t, paused, d.Paused)
	}
	requireSchedule(0, false)
	hourly := schedule.Schedule{Spec: schedule.EachInterval(time.Hour)}
	f.scheduled(hourly, nil)
	requireSchedule(time.Hour, false)

	f.scheduled(schedule.Schedule{}, errors.New("deadline exceeded"))
	f.clock = f.clock.Add(time.Minute)
	r := f.check()
	require.Equal(t, access.Duration(time.Hour), r.Evidence.DeltaSync.Every)
	require.Equal(t, []string{"find the schedule of delta syncs: deadline exceeded"}, r.Evidence.Faults)

	hourly.Paused = true
	f.scheduled(hourly, nil)
	requireSchedule(0, true)
	cron := schedule.Schedule{Spec: schedule.Spec{Cron: "*/20 * * * *"}, Next: []time.Time{
		f.clock, f.clock.Add(20 * time.Minute),
	}}
	f.scheduled(cron, nil)
	requireSchedule(20*time.Minute, false)
	f.scheduled(schedule.Schedule{}, schedule.ErrMissing)
	requireSchedule(0, false)
}
