package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

func save(
	t *testing.T,
	s *store.Store,
	id string,
	c access.Collection,
	attempt, page int,
	last bool,
	es ...access.Entity,
) error {
	t.Helper()
	return s.SavePage(t.Context(), store.SavePageInput{
		Snapshot:   id,
		Collection: c,
		Attempt:    attempt,
		Page:       page,
		Cursor:     "next",
		Last:       last,
		Requests:   1,
		Entities:   es,
	})
}

func ana(name string, held ...access.HeldRole) access.Principal {
	return access.Principal{
		Kind:  access.User,
		ID:    "401",
		Email: "ana@example.com",
		Name:  name,
		Level: access.SiteLevel,
		Held:  held,
	}
}

// A drain resumes at the page after the last one saved, with its cursor and counts.
func TestDrain_Resumes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, url := db.t, db.s, db.url
		begin(t, s, acme, "s1")
		d, err := s.StartDrain(t.Context(), "s1", access.Users, 1)
		require.NoError(t, err)
		require.Equal(t, store.Drain{Attempt: 1}, d)
		seven, eight := 7, 8
		in := store.SavePageInput{
			Snapshot: "s1", Collection: access.Users, Attempt: 1, Cursor: "c1", Total: &seven, Requests: 3,
			Entities: []access.Entity{ana("Ana")}, Unassigned: 2,
		}
		require.NoError(t, s.SavePage(t.Context(), in))
		in.Page, in.Cursor, in.Total = 1, "c2", &eight
		require.NoError(t, s.SavePage(t.Context(), in))

		again := open(t, url) // as after a kill
		d, err = again.StartDrain(t.Context(), "s1", access.Users, 1)
		require.NoError(t, err)
		require.Equal(t, store.Drain{
			Attempt:     1,
			Pages:       2,
			Rows:        2,
			Cursor:      "c2",
			Requests:    6,
			FirstTotal:  &seven,
			LastTotal:   &eight,
			TotalsMoved: true,
		}, d)
		_, err = s.Drained(t.Context(), "s1", access.Users, 1)
		require.ErrorContains(t, err, "is not drained (2 pages saved, 2 of them not loaded")

		in.Page, in.Cursor, in.Last, in.Total = 2, "", true, nil
		require.NoError(t, again.SavePage(t.Context(), in))
		load(t, again, "s1", access.Users, 1)
		sum, err := again.Drained(t.Context(), "s1", access.Users, 1)
		require.NoError(t, err)
		require.Equal(t, store.DrainSummary{
			Distinct:    1,
			Pages:       3,
			Rows:        3,
			Requests:    9,
			Unassigned:  6,
			FirstTotal:  &seven,
			LastTotal:   &eight,
			TotalsMoved: true,
		}, sum, "the same id three times counts once")
	})
}

// A caller with an older attempt or another page is rejected and changes nothing.
func TestDrain_RejectsOtherAttemptsAndPages(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		begin(t, s, acme, "s1")
		_, err := s.StartDrain(t.Context(), "s1", access.Users, 1)
		require.NoError(t, err)
		require.NoError(t, save(t, s, "s1", access.Users, 1, 0, false, ana("Ana")))
		require.ErrorIs(t, save(t, s, "s1", access.Users, 1, 0, false, ana("Ana")), store.ErrStale, "a repeated page")
		require.ErrorIs(t, save(t, s, "s1", access.Users, 1, 2, false, ana("Ana")), store.ErrStale, "a page skipped")
		require.ErrorIs(
			t,
			save(t, s, "s1", access.Users, 2, 1, false, ana("Ana")),
			store.ErrStale,
			"an attempt not begun",
		)
		_, err = s.StartDrain(t.Context(), "s1", access.Users, 2)
		require.NoError(t, err)
		require.ErrorIs(
			t,
			save(t, s, "s1", access.Users, 1, 1, false, ana("Ana")),
			store.ErrStale,
			"an earlier attempt",
		)
		_, err = s.LoadPage(t.Context(), "s1", access.Users, 1)
		require.ErrorIs(t, err, store.ErrStale)
		_, err = s.StartDrain(t.Context(), "s1", access.Users, 1)
		require.ErrorIs(t, err, store.ErrStale)
		_, err = s.Drained(t.Context(), "s1", access.Users, 1)
		require.ErrorIs(t, err, store.ErrStale)
		require.NoError(t, save(t, s, "s1", access.Users, 2, 0, true, ana("Ana")))
		require.ErrorIs(
			t,
			save(t, s, "s1", access.Users, 2, 1, true, ana("Ana")),
			store.ErrStale,
			"after the last page",
		)
		d, err := s.StartDrain(t.Context(), "s1", access.Users, 2)
		require.NoError(t, err)
		require.Equal(t, store.Drain{Attempt: 2, Pages: 1, Rows: 1, Cursor: "next", LastSaved: true, Requests: 1}, d)
	})
}

// The page and its cursor are saved together or not at all.
func TestDrain_PageIsAtomic(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		begin(t, s, acme, "s1")
		_, err := s.StartDrain(t.Context(), "s1", access.Users, 1)
		require.NoError(t, err)
		in := store.SavePageInput{
			Snapshot: "s1", Collection: access.Users, Attempt: 1, Cursor: "c1", Entities: []access.Entity{ana("Ana")},
		}
		require.Error(t, s.SavePage(cancelled(t), in))
		in.Entities = []access.Entity{access.Account{ID: "1"}}
		require.ErrorContains(t, s.SavePage(t.Context(), in), "a page of users contains an entity of accounts")
		in.Entities = []access.Entity{access.Principal{Kind: access.User}}
		require.ErrorContains(t, s.SavePage(t.Context(), in), "without id")
		// The cursor cannot be stored, so the page must not be stored either.
		_, err = s.DB().ExecContext(t.Context(), "ALTER TABLE drains RENAME COLUMN next_cursor TO elsewhere")
		require.NoError(t, err)
		in.Entities = []access.Entity{ana("Ana")}
		require.Error(t, s.SavePage(t.Context(), in))
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM saved_pages"))
	})
}

// A new attempt deletes what the earlier one saved and loaded.
func TestDrain_NewAttemptStartsOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		changed := w.clone()
		changed.principals["403"] = access.Principal{
			Kind: access.User, ID: "403", Name: "Other", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		}
		changed.principals["409"] = access.Principal{
			Kind: access.User, ID: "409", Name: "Extra", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		}
		receive(t, s, acme, "s2", changed)
		require.NotZero(t, count(t, s, "SELECT COUNT(*) FROM closing"))
		d, err := s.StartDrain(t.Context(), "s2", access.Users, 2)
		require.NoError(t, err)
		require.Equal(t, store.Drain{Attempt: 2}, d, "each attempt counts its own requests")
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM closing"))
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM entities WHERE since = 2"))
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM assignments WHERE since = 2"))
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM unchanged WHERE collection = 'users'"))
		drain(t, s, "s2", access.Users, 2, 3, w)
		require.Equal(t, store.StateUnchanged, promote(t, s, "s2").State)
		require.Equal(t, expected(w), export(t, s, acme, nil))
	})
}

// An id that comes twice within a drain counts once, as it was received last.
func TestDrain_DriftsBetweenPages(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		old := ana("Ana", access.HeldRole{RoleID: "1", ScopeID: "9"}, access.HeldRole{RoleID: "2", ScopeID: "9"})
		newer := ana("Ana", access.HeldRole{RoleID: "2", ScopeID: "9"}, access.HeldRole{RoleID: "3", ScopeID: "9"})
		newest := ana("Ana", access.HeldRole{RoleID: "4", ScopeID: "9"})
		w := emptyWorld()
		w.principals[old.ID] = old
		syncOnce(t, s, acme, "base", w, access.Users)
		sequences := map[string][]access.Principal{
			"changed":            {newer},
			"twice":              {newer, newer},
			"changed then back":  {newer, old},
			"old then changed":   {old, newer},
			"changed twice":      {newer, newest},
			"there and back":     {old, newer, old},
			"all within a page":  nil,
			"newest in the end":  {old, newer, old, newer, newest},
			"back to the newest": {newest, newer, newest},
		}
		for name, received := range sequences {
			begin(t, s, acme, name, access.Users)
			_, err := s.StartDrain(t.Context(), name, access.Users, 1)
			require.NoError(t, err)
			last := newest
			if received == nil {
				require.NoError(t, save(t, s, name, access.Users, 1, 0, true, old, newer, old, newest))
			}
			for i, p := range received {
				require.NoError(t, save(t, s, name, access.Users, 1, i, i == len(received)-1, p))
				last = p
			}
			load(t, s, name, access.Users, 1)
			sum, err := s.Drained(t.Context(), name, access.Users, 1)
			require.NoError(t, err)
			require.Equal(t, 1, sum.Distinct, name)
			promote(t, s, name, access.Users)
			w.principals[last.ID] = last
			require.Equal(t, expected(w), export(t, s, acme, nil), name)
			w.principals[old.ID] = old
			syncOnce(t, s, acme, name+", restored", w, access.Users)
		}
	})
}

// Notes and counts can be read while a sync runs.
func TestProgress(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		begin(t, s, acme, "s1", access.Users, access.Roles, access.Sites)
		drain(t, s, "s1", access.Sites, 1, 2, smallWorld())
		_, err := s.StartDrain(t.Context(), "s1", access.Users, 1)
		require.NoError(t, err)
		require.NoError(t, save(t, s, "s1", access.Users, 1, 0, false, ana("Ana")))
		next := began.Add(time.Minute)
		note := store.Note{Text: "the console answers 429", At: began, NextTry: &next, Requests: 2}
		require.NoError(t, s.Note(t.Context(), "s1", access.Users, note))
		require.NoError(t, s.Note(t.Context(), "s1", "", store.Note{Text: "waits for a person", At: began}))
		require.ErrorContains(t, s.Note(t.Context(), "s1", access.Accounts, note), "does not cover accounts")

		p, err := s.Progress(t.Context(), "s1")
		require.NoError(t, err)
		note.Requests = 0
		four := 4
		require.Equal(t, store.Progress{
			State: store.StateDraining, Note: &store.Note{Text: "waits for a person", At: began},
			Collections: map[access.Collection]store.CollectionProgress{
				access.Users: {
					State:    store.CollectionDraining,
					Attempt:  1,
					Pages:    1,
					Rows:     1,
					Note:     &note,
					Requests: 3,
				},
				access.Roles: {State: store.CollectionWaiting},
				access.Sites: {
					State:    store.CollectionDrained,
					Attempt:  1,
					Pages:    2,
					Rows:     4,
					Expected: &four,
					Requests: 2,
				},
			},
		}, p)
		require.NoError(t, save(t, s, "s1", access.Users, 1, 1, true, ana("Ana")))
		p, err = s.Progress(t.Context(), "s1")
		require.NoError(t, err)
		require.Nil(t, p.Collections[access.Users].Note, "a page clears the note")
		require.NoError(t, s.Discard(t.Context(), "s1", store.DiscardInput{State: store.StateFailed, Why: "stopped"}))
		require.NoError(t, s.Note(t.Context(), "s1", access.Users, note), "too late, and no error")
		p, err = s.Progress(t.Context(), "s1")
		require.NoError(t, err)
		require.Equal(t, store.StateFailed, p.State)
		require.Nil(t, p.Note)
	})
}

// Members counts the received and unchanged assignments of a snapshot, without those of
// missing principals.
func TestMembers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		receive(t, s, acme, "s1", w)
		m, err := s.Members(t.Context(), "s1")
		require.NoError(t, err)
		require.Equal(t, map[string]store.RoleMembers{
			"301": {Users: 1, Assignments: 1}, "303": {Users: 1, Assignments: 1},
			"302": {Users: 1, ServiceUsers: 1, Assignments: 3},
		}, m)
		promote(t, s, "s1")
		delete(w.principals, "501")
		carol := w.principals["403"]
		carol.Held = []access.HeldRole{{RoleID: "302", ScopeID: "203"}, {RoleID: "301", ScopeID: "203"}}
		w.principals["403"] = carol
		receive(t, s, acme, "s2", w)
		m, err = s.Members(t.Context(), "s2")
		require.NoError(t, err)
		require.Equal(t, map[string]store.RoleMembers{
			"301": {Users: 2, Assignments: 2}, "303": {Users: 1, Assignments: 1}, "302": {Users: 1, Assignments: 1},
		}, m)
	})
}
