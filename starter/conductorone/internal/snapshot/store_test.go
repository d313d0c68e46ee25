package snapshot_test

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/ksuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// bench is a source on a store with a clock, and a worker that does what the test says.
type bench struct {
	t     *testing.T
	db    *store.Store
	url   string
	now   time.Time
	wait  time.Duration
	syncs int
	// onSync is what a sync does before it answers; nil: the test fails when one is started.
	onSync func() error
	// check is what is known of the run; nil: it goes on.
	check func() (bool, error)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db, url := storetest.Open(t)
	return &bench{t: t, db: db, url: url, now: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC), wait: time.Minute}
}

// process is one process of the connector.
func (b *bench) process() *snapshot.Store {
	return snapshot.New(snapshot.Options{
		Console: storetest.Console, Open: func(context.Context) (*store.Store, error) { return b.db, nil },
		Syncer: b, MaxAge: time.Hour, Wait: b.wait, Poll: time.Millisecond, Now: func() time.Time { return b.now },
	})
}

func (b *bench) Sync(context.Context) (snapshot.Run, error) {
	b.syncs++
	if b.onSync == nil {
		b.t.Error("a sync was started")
		return nil, errors.New("unexpected")
	}
	return b, b.onSync()
}

func (b *bench) Check(context.Context) (bool, error) {
	if b.check == nil {
		return false, nil
	}
	return b.check()
}

func (b *bench) Waiting(context.Context) string { return "users: the console answers 502" }

// sync promotes a snapshot of now.
func (b *bench) sync(id string, of ...access.Collection) {
	b.t.Helper()
	storetest.Sync(b.t, b.db, id, b.now, storetest.Small(), of...)
	storetest.PromotedAt(b.t, b.url, id, b.now)
}

// delta promotes a delta sync of now that changes one row of each collection.
func (b *bench) delta(id string) {
	b.t.Helper()
	w := storetest.Small()
	w.Accounts[0].Name, w.Sites[0].Name, w.Roles[0].Name = "Acme 2", "Berlin 2", "Admin 2"
	w.Principals[0].Name, w.Principals[3].Name = "Ana Roy", "pipeline 2"
	storetest.DeltaOf(b.t, b.db, id, b.now, map[access.Collection]store.DeltaPart{
		access.Accounts:     {Entities: []access.Entity{w.Accounts[0]}},
		access.Sites:        {Entities: []access.Entity{w.Sites[0]}},
		access.Roles:        {Entities: []access.Entity{w.Roles[0]}},
		access.Users:        {Entities: []access.Entity{w.Principals[0]}},
		access.ServiceUsers: {Entities: []access.Entity{w.Principals[3]}},
	})
	storetest.PromotedAt(b.t, b.url, id, b.now)
}

// discard drops a quarantined snapshot.
func (b *bench) discard(id string) {
	b.t.Helper()
	require.NoError(b.t, b.db.Discard(b.t.Context(), id,
		store.DiscardInput{State: store.StateDiscarded, By: "carol@example.com"}))
}

func (b *bench) pass(d time.Duration) { b.now = b.now.Add(d) }

// begun is the id of a sync of ConductorOne that has just begun, after all that the test did.
func (b *bench) begun() string {
	b.pass(time.Second) // ids tell whole seconds
	id, err := ksuid.NewRandomWithTime(b.now)
	b.pass(time.Second)
	require.NoError(b.t, err)
	return id.String()
}

func pinned(t *testing.T, s *snapshot.Store, syncID, named string) string {
	t.Helper()
	r, err := s.Pin(t.Context(), syncID, named)
	require.NoError(t, err)
	return r.Snapshot().ID
}

// All calls of one sync read one snapshot, in each process, whatever is promoted meanwhile; page tokens lead back to
// theirs, and the next sync reads the newest.
func TestPin_OneSnapshotPerSync(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sync("one")
	b.pass(10 * time.Minute)
	first, one := b.begun(), b.process()
	require.Equal(t, "one", pinned(t, one, first, ""))
	b.pass(10 * time.Minute)
	b.sync("two")
	b.pass(time.Minute)
	require.Equal(t, "one", pinned(t, one, first, ""))
	require.Equal(t, "one", pinned(t, b.process(), first, ""), "as another process finds it")
	require.Equal(t, "two", pinned(t, b.process(), b.begun(), ""))
	require.Equal(t, "one", pinned(t, b.process(), b.begun(), "one"), "as a page token says")
	_, err := one.Pin(t.Context(), first, "gone")
	require.ErrorIs(t, err, store.ErrNoSnapshot)
	latest, err := one.Latest(t.Context())
	require.NoError(t, err)
	require.Equal(t, "two", latest.Snapshot().ID)
}

// Where the last proven sync is too old, the worker syncs, once for all calls that wait, and each process then reads
// the new snapshot.
func TestPin_StaleStartsASync(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(b *bench){
		"none":         func(*bench) {},
		"old":          func(b *bench) { b.sync("old"); b.pass(time.Hour + time.Second) },
		"of some":      func(b *bench) { b.sync("users", access.Users); b.pass(time.Minute) },
		"of some anew": func(b *bench) { b.sync("old"); b.pass(2 * time.Hour); b.sync("users", access.Users) },
		"old, then a delta": func(b *bench) { // which has changed something of each collection
			b.sync("old")
			b.pass(2 * time.Hour)
			b.delta("delta")
		},
		"old, discarded": func(b *bench) { // what was discarded holds up nothing
			b.sync("old")
			b.pass(2 * time.Hour)
			storetest.Drain(b.t, b.db, "bad", b.now, storetest.Small())
			require.NoError(b.t, b.db.Quarantine(b.t.Context(), "bad", []string{"x"}))
			b.discard("bad")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before(b)
			id, s := b.begun(), b.process()
			b.onSync = func() error {
				b.pass(time.Minute)
				b.sync("new")
				return nil
			}
			var calls sync.WaitGroup
			for range 5 {
				calls.Go(func() {
					r, err := s.Pin(t.Context(), id, "")
					if err != nil || r.Snapshot().ID != "new" {
						t.Errorf("pinned %v, %v", r, err)
					}
				})
			}
			calls.Wait()
			require.Equal(t, 1, b.syncs)
			b.pass(3 * time.Hour)
			b.sync("later")
			require.Equal(t, "new", pinned(t, b.process(), id, ""))
			require.Equal(t, 1, b.syncs)
		})
	}
}

// The age of data is that of the begin of its sync, not that of a late confirmation.
func TestPin_ConfirmedLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	storetest.Drain(t, b.db, "one", b.now, storetest.Small())
	b.pass(2 * time.Hour)
	_, err := b.db.Promote(t.Context(), "one",
		store.PromoteInput{Collections: access.Collections(), By: "carol@example.com"})
	require.NoError(t, err)
	storetest.PromotedAt(t, b.url, "one", b.now)
	b.onSync = func() error { b.sync("two"); return nil }
	require.Equal(t, "two", pinned(t, b.process(), b.begun(), ""))
}

// While a sync is quarantined, ConductorOne gets nothing, and is told why and what decides.
func TestPin_Quarantined(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sync("one")
	b.pass(time.Minute)
	before := b.begun()
	s := b.process()
	require.Equal(t, "one", pinned(t, s, before, ""))
	storetest.Drain(t, b.db, "bad", b.now, storetest.World{})
	require.NoError(t, b.db.Quarantine(t.Context(), "bad", []string{"4 of 4 users would be gone"}))
	_, err := s.Pin(t.Context(), b.begun(), "")
	held, is := errors.AsType[*snapshot.QuarantinedError](err)
	require.True(t, is, err)
	require.Equal(t, codes.FailedPrecondition, status.Code(held))
	require.ErrorContains(t, err, "the sync of acmeco.sentinelone.net that began at 2026-03-03T12:01:02Z is "+
		"quarantined, since 4 of 4 users would be gone: "+
		"run `starter confirm` if that is right, `starter discard` if not")
	require.Equal(t, "one", pinned(t, s, before, ""), "a sync that has begun goes on")
	require.Equal(t, "one", pinned(t, b.process(), b.begun(), "one"), "also from a page token")

	b.discard("bad")
	require.Equal(t, "one", pinned(t, s, b.begun(), ""))
}

// A sync that is quarantined, fails, takes too long or proves too little ends ConductorOne's with a sentence.
func TestPin_SyncThatGivesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		onSync func(b *bench) error
		check  func() (bool, error)
		says   []string
		syncs  int
		// before is what was there; nil for a sync of all from three hours ago.
		before func(b *bench)
		age    string // what is said of that; "" for that sync
	}{
		"never synced": {
			check: func() (bool, error) { return true, errors.New("sync/x failed: the console rejects the token") },
			says:  []string{": sync/x failed: the console rejects the token"}, syncs: 1,
			before: func(*bench) {},
			age:    "no sync of acmeco.sentinelone.net is proven yet: ",
		},
		"only users synced": {
			check: func() (bool, error) { return true, errors.New("sync/x failed: the console rejects the token") },
			says:  []string{": sync/x failed: the console rejects the token"}, syncs: 1,
			before: func(b *bench) { b.sync("users", access.Users) },
			age:    "no sync of acmeco.sentinelone.net has proven its accounts, sites, roles, serviceUsers yet: ",
		},
		"cannot start": {
			onSync: func(*bench) error { return errors.New("no worker polls task queue \"x\": start `worker`") },
			says:   []string{"and a new one failed: no worker polls task queue \"x\": start `worker`"},
			syncs:  1,
		},
		"fails": {
			check: func() (bool, error) { return true, errors.New("sync/x failed: the console rejects the token") },
			says:  []string{": sync/x failed: the console rejects the token"}, syncs: 1,
		},
		"ends without": {
			check: func() (bool, error) { return true, nil },
			says:  []string{"a new sync did not change that; raise --max-age"}, syncs: 2,
		},
		"quarantined": {
			onSync: func(b *bench) error {
				storetest.Drain(b.t, b.db, "bad", b.now, storetest.World{})
				return b.db.Quarantine(b.t.Context(), "bad", []string{"all gone"})
			},
			says: []string{"is quarantined, since all gone: run `starter confirm`"}, syncs: 1,
		},
		"too long": {
			says: []string{
				"a new sync is not complete after 5ms (users: the console answers 502); see `starter status`",
				"--sync-wait",
			}, syncs: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if c.before == nil {
				c.before = func(b *bench) { b.sync("old") }
			}
			c.before(b)
			b.pass(3 * time.Hour)
			b.check, b.onSync = c.check, func() error {
				if c.onSync == nil {
					return nil
				}
				return c.onSync(b)
			}
			if name == "too long" {
				b.wait = 5 * time.Millisecond
			}
			_, err := b.process().Pin(t.Context(), b.begun(), "")
			require.Error(t, err)
			for _, part := range c.says {
				require.ErrorContains(t, err, part)
			}
			if name != "quarantined" {
				require.ErrorContains(t, err, cmp.Or(c.age, "the last proven sync of acmeco.sentinelone.net is from "+
					"2026-03-03T12:00:00Z, more than 1h ago"))
			}
			require.Equal(t, c.syncs, b.syncs)
		})
	}
}

// What is promoted in the second in which a sync of ConductorOne begins is seen by it, in each process: its id tells
// only the second, and one that asks later cannot know what came first.
func TestPin_PromotedInTheSameSecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sync("old")
	b.pass(10 * time.Minute)
	id, err := ksuid.NewRandomWithTime(b.now)
	require.NoError(t, err)
	b.pass(500 * time.Millisecond)
	b.sync("new")
	b.pass(-300 * time.Millisecond)
	require.Equal(t, "new", pinned(t, b.process(), id.String(), ""), "0.2 s after the second began")
	b.pass(2 * time.Second)
	require.Equal(t, "new", pinned(t, b.process(), id.String(), ""), "another process, later")
	b.sync("next")
	require.Equal(t, "new", pinned(t, b.process(), id.String(), ""), "and not what came after that second")
}

// A caller that gives up is not told that the sync takes too long.
func TestPin_Cancelled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.onSync = func() error { cancel(); return nil }
	_, err := b.process().Pin(ctx, b.begun(), "")
	require.ErrorIs(t, err, context.Canceled)
}

// The database may come later than the connector.
func TestPin_DatabaseLater(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sync("one")
	down := true
	s := snapshot.New(snapshot.Options{
		Console: storetest.Console, Syncer: b, MaxAge: time.Hour, Now: func() time.Time { return b.now },
		Open: func(context.Context) (*store.Store, error) {
			if down {
				return nil, errors.New("no database")
			}
			return b.db, nil
		},
	})
	_, err := s.Pin(t.Context(), b.begun(), "")
	require.EqualError(t, err, "no database")
	require.EqualError(t, s.Check(t.Context()), "no database")
	down = false
	require.Equal(t, "one", pinned(t, s, b.begun(), ""))
	require.NoError(t, s.Check(t.Context()))
}

// Roles at scopes that are read ahead are those that are read one by one.
func TestRoleScopes_ReadAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sync("one")
	r, err := b.process().Pin(t.Context(), b.begun(), "")
	require.NoError(t, err)
	direct, err := b.db.PinnedTo(t.Context(), storetest.Console, "one")
	require.NoError(t, err)
	for _, limit := range []int{1, 3, 7, 100} {
		after := access.Holding{}
		for {
			want, err := direct.RoleScopes(t.Context(), after, limit)
			require.NoError(t, err)
			got, err := r.RoleScopes(t.Context(), after, limit)
			require.NoError(t, err)
			require.Len(t, got, len(want))
			if len(got) == 0 {
				break
			}
			require.Equal(t, want, got)
			after = got[len(got)-1].Holding
		}
	}
	between := access.Holding{RoleID: "302", Level: access.SiteLevel, ScopeID: "2015"} // which nobody holds
	want, err := direct.RoleScopes(t.Context(), between, 2)
	require.NoError(t, err)
	got, err := r.RoleScopes(t.Context(), between, 2)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
