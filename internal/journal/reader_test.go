package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func namesOf(p *access.Plan) describe.Names { return describe.NewNames(store.Directory{}, p) }

// onBoth runs a test on a fresh SQLite and on a fresh PostgreSQL database.
func onBoth(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite": func(tb testing.TB) string {
			tb.Helper()
			return "sqlite://" + filepath.Join(tb.TempDir(), "test.db")
		},
		"postgres": pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := store.Open(t.Context(), url(t))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			test(t, s)
		})
	}
}

// receive stores a sync of one user up to where it is judged.
func receive(t *testing.T, s *store.Store, id, workflow string, at time.Time, name string) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.Begin(ctx, store.BeginInput{
		Console: console, ID: id, StartedAt: at, WorkflowID: workflow, Collections: []access.Collection{access.Users},
	}))
	_, err := s.StartDrain(ctx, id, access.Users, 1)
	require.NoError(t, err)
	require.NoError(t, s.SavePage(ctx, store.SavePageInput{
		Snapshot: id, Collection: access.Users, Attempt: 1, Last: true, Requests: 2, Total: new(1),
		Entities: []access.Entity{access.Principal{
			Kind: access.User, ID: "401", Email: "ana@example.com", Name: name, Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		}},
	}))
	for more := true; more; {
		more, err = s.LoadPage(ctx, id, access.Users, 1)
		require.NoError(t, err)
	}
}

func promote(t *testing.T, s *store.Store, id, by string) {
	t.Helper()
	_, err := s.Promote(t.Context(), id, store.PromoteInput{By: by, Collections: []access.Collection{access.Users}})
	require.NoError(t, err)
}

// ask records a request; the workflow's id is grant/INC-n.
func ask(t *testing.T, s *store.Store, n int, at time.Time) {
	t.Helper()
	run := ledger.Run{Request: fmt.Sprintf("grant/INC-%d", n), ID: "run"}
	_, err := s.Append(t.Context(), console, ledger.NewEntry{
		Request: run.Request, Key: run.RequestKey(0), At: at, Body: ledger.Request{Plan: plan()},
	})
	require.NoError(t, err)
}

func texts(lines []Line) (out []string) {
	for _, l := range lines {
		out = append(out, l.ID+": "+l.Text)
	}
	return out
}

func into(lines *[]Line) func(Line) error {
	return func(l Line) error { *lines = append(*lines, l); return nil }
}

// Syncs stand between the entries of the ledger by time, and the newest lines are chosen among both.
func TestReader_Read(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		now := time.Now().UTC().Truncate(time.Millisecond)
		ask(t, s, 1, now.Add(-3*time.Hour))
		receive(t, s, "s1", "sync/acme", now.Add(-2*time.Hour), "Ana")
		promote(t, s, "s1", "")
		ask(t, s, 2, now.Add(-time.Hour))
		read := func(q Query) (out []Line, limited bool) {
			r := &Reader{Store: s, Console: console, Now: time.Now}
			limited, err := r.Read(t.Context(), q, into(&out))
			require.NoError(t, err)
			return out, limited
		}
		all, limited := read(Query{})
		require.False(t, limited)
		require.Len(t, all, 4)
		require.Equal(t, []string{"request", KindSync, "request", KindSync},
			[]string{all[0].Kind, all[1].Kind, all[2].Kind, all[3].Kind})
		require.Equal(t, "A sync begins.", all[1].Text)
		require.Contains(t, all[3].Text, "The full sync is verified and promoted: assignments +1 -0, 2 requests in")
		require.Equal(t, "s1", all[3].Snapshot)
		require.Equal(t, "sync/acme", all[3].ID)
		newest, limited := read(Query{Limit: 2})
		require.True(t, limited)
		require.Equal(t, all[2:], newest)
		enough, limited := read(Query{Limit: 4})
		require.False(t, limited)
		require.Equal(t, all, enough)
		since := now.Add(-90 * time.Minute)
		late, _ := read(Query{Since: &since, Limit: 10})
		require.Equal(t, all[2:], late)
		late, _ = read(Query{Since: &since})
		require.Equal(t, all[2:], late)
	})
}

// A ledger of any length is read to its end.
func TestReader_LongLedger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		now := time.Now().UTC()
		var entries []ledger.NewEntry
		for n := range 2*pageEntries + 3 {
			run := ledger.Run{Request: fmt.Sprintf("grant/INC-%d", n), ID: "run"}
			entries = append(entries, ledger.NewEntry{
				Request: run.Request, Key: run.RequestKey(0), At: now, Body: ledger.Request{Plan: plan()},
			})
		}
		_, err := s.Append(t.Context(), console, entries...)
		require.NoError(t, err)
		var all []Line
		r := &Reader{Store: s, Console: console, Now: time.Now}
		_, err = r.Read(t.Context(), Query{}, into(&all))
		require.NoError(t, err)
		require.Len(t, all, len(entries))
		for i, l := range all {
			require.EqualValues(t, i+1, l.Seq)
		}
	})
}

// What comes later is read once, also how an open sync ends and what a person decides about a quarantined one.
func TestReader_Next(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		now := time.Now().UTC()
		for n := range 3 { // more syncs than lines are asked for
			id := fmt.Sprintf("old%d", n)
			receive(t, s, id, "sync/acme", now.Add(-time.Hour), id)
			promote(t, s, id, "")
		}
		receive(t, s, "s1", "sync/acme", now, "Ana")
		ask(t, s, 1, now)
		r := &Reader{Store: s, Console: console, Now: time.Now}
		var first []Line
		_, err := r.Read(t.Context(), Query{Limit: 2}, into(&first))
		require.NoError(t, err)
		require.Len(t, first, 2)
		next := func() (out []Line) {
			require.NoError(t, r.Next(t.Context(), into(&out)))
			return out
		}
		require.Empty(t, next())
		require.NoError(t, s.Quarantine(t.Context(), "s1", []string{"half of the users are gone"}))
		require.Equal(t, []string{"sync/acme: The sync is quarantined and waits for `starter confirm` or " +
			"`starter discard`: half of the users are gone."}, texts(next()))
		require.Empty(t, next())
		promote(t, s, "s1", "carol@example.com")
		ask(t, s, 2, time.Now())
		got := texts(next())
		require.Len(t, got, 2)
		require.Contains(t, got[0], "carol@example.com confirmed it: half of the users are gone.")
		require.Contains(t, got[1], "grant/INC-2: bob@example.com requests")
		require.Empty(t, next())
		require.NoError(t, s.Begin(t.Context(), store.BeginInput{Console: console, ID: "s2", StartedAt: time.Now()}))
		require.NoError(t, s.Discard(t.Context(), "s2", store.DiscardInput{State: store.StateFailed, Why: "no answer"}))
		require.Equal(t, []string{": A sync begins.", ": The sync has failed: no answer."}, texts(next()))
	})
}

// Where a call fails, at whichever line, the next one goes on from that line: nothing is lost, nothing comes twice.
func TestReader_NextAfterAFailure(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		at := time.Now().UTC().Add(-time.Hour)
		ask(t, s, 1, at)
		r := &Reader{Store: s, Console: console, Now: time.Now}
		_, err := r.Read(t.Context(), Query{Limit: 10}, func(Line) error { return nil })
		require.NoError(t, err)
		receive(t, s, "first", "sync/x", at.Add(time.Minute), "Ana")
		promote(t, s, "first", "")
		ask(t, s, 2, at.Add(2*time.Minute))
		ask(t, s, 3, at.Add(3*time.Minute))

		var got []Line
		failed := errors.New("the output is away")
		for call := 0; ; call++ {
			require.Less(t, call, 10)
			fresh := 0
			err := r.Next(t.Context(), func(l Line) error { // one line, then it fails
				if fresh++; fresh > 1 {
					return failed
				}
				return into(&got)(l)
			})
			if err == nil && fresh == 0 {
				break
			}
		}
		var ids []string
		for _, l := range got {
			ids = append(ids, l.ID+" "+l.Kind)
		}
		require.Equal(t, []string{
			"sync/x sync", "grant/INC-2 request", "grant/INC-3 request", "sync/x sync",
		}, ids, texts(got))
	})
}

// What --since leaves out does not come later.
func TestReader_NextAfterSince(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		at := time.Now().UTC().Add(-time.Hour)
		receive(t, s, "first", "sync/x", at, "Ana")
		promote(t, s, "first", "")
		r := &Reader{Store: s, Console: console, Now: time.Now}
		var got []Line
		_, err := r.Read(t.Context(), Query{Since: new(time.Now().Add(time.Hour))}, into(&got))
		require.NoError(t, err)
		require.NoError(t, r.Next(t.Context(), into(&got)))
		require.Empty(t, texts(got))
	})
}

// One sync is shown with its collections and the decisions about it, by its workflow or by its snapshot.
func TestReader_Sync(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		now := time.Now().UTC()
		ask(t, s, 1, now)
		for _, id := range []string{"s1", "s2"} {
			receive(t, s, id, "sync/acme", now.Add(-time.Hour), id)
			run := ledger.Run{Request: "sync/acme", ID: id}
			stop := access.Stop{
				At: now, Action: "confirm", By: "carol@example.com", Comment: id, Signed: access.Unsigned,
			}
			_, err := s.Append(t.Context(), console, ledger.NewEntry{
				Request: run.Request, Key: run.StopKey(stop, ""), At: now.Add(-30 * time.Minute),
				Body: ledger.Stop{Stop: stop},
			})
			require.NoError(t, err)
			promote(t, s, id, "")
		}
		require.NoError(t, s.Begin(t.Context(), store.BeginInput{Console: console, ID: "s3", WorkflowID: "sync/other"}))
		read := func(id string) []string {
			var out []Line
			r := &Reader{Store: s, Console: console, Sync: id, Now: time.Now}
			_, err := r.Read(t.Context(), Query{Limit: 100}, into(&out))
			require.NoError(t, err)
			var more []Line
			require.NoError(t, r.Next(t.Context(), into(&more)))
			require.Empty(t, more)
			return texts(out)
		}
		one := read("s2")
		require.Len(t, one, 4)
		require.Equal(t, "sync/acme: A sync begins.", one[0])
		require.Equal(t, "sync/acme: carol@example.com sends confirm, unsigned: s2.", one[1])
		require.Equal(t, "sync/acme: users: 1 row on 1 page, 2 requests; the console counts 1.", one[2])
		require.Contains(t, one[3], "The full sync is verified and promoted")
		require.Len(t, read("sync/acme"), 8)
		require.Len(t, read("s3"), 1)
	})
}
