package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// After a first sync readers see exactly the state of the console, with counts.
func TestPromote_First(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		p := syncOnce(t, s, acme, "s1", w)
		require.Equal(t, store.StatePromoted, p.State)
		require.Equal(t, map[string]int{
			"accounts": 2, "sites": 4, "roles": 3, "users": 3, "serviceUsers": 1, "assignments": 5,
		}, p.Counts)
		require.Equal(t, 5, p.Added)
		require.Zero(t, p.Removed)
		require.Equal(t, expected(w), export(t, s, acme, nil))

		got, err := s.Latest(t.Context(), acme, nil)
		require.NoError(t, err)
		require.Equal(t, "s1", got.ID)
		require.Equal(t, p.Counts, got.Counts)
		require.Equal(t, p.At, got.PromotedAt)
		require.True(t, began.Equal(got.StartedAt))
		for _, table := range []string{"unchanged", "closing", "saved_pages"} {
			require.Zero(t, count(t, s, "SELECT COUNT(*) FROM "+table), table)
		}
	})
}

// Changed rows get a new version, deleted ones are closed, unchanged ones stay untouched.
func TestPromote_ChangedAndDeleted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		before := smallWorld()
		first := syncOnce(t, s, acme, "s1", before)
		after := before.clone()
		delete(after.principals, "402")  // gone, with an assignment
		delete(after.sites, "204")       // gone
		carol := after.principals["403"] // loses one role, gains another
		carol.Held = []access.HeldRole{{RoleID: "302", ScopeID: "203"}, {RoleID: "303", ScopeID: "201"}}
		after.principals["403"] = carol
		after.principals["404"] = access.Principal{
			Kind: access.User, ID: "404", Name: "Dan", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "302"}},
		}

		receive(t, s, acme, "s2", after)
		a, err := s.Assess(t.Context(), "s2")
		require.NoError(t, err)
		require.Equal(t, []store.Loss{
			{What: "accounts", Before: 2},
			{What: "sites", Before: 4, Gone: 1},
			{What: "roles", Before: 3},
			{What: "users", Before: 3, Gone: 1},
			{What: "serviceUsers", Before: 1},
			{What: "assignments", Before: 5, Gone: 2},
		}, a.Losses)
		require.Empty(t, a.Stale)
		require.Empty(t, a.Moved)

		second := promote(t, s, "s2")
		require.Equal(t, store.StatePromoted, second.State)
		require.Equal(t, []int{2, 2}, []int{second.Added, second.Removed})
		require.Equal(t, []int{a.Added, a.Removed}, []int{second.Added, second.Removed})
		require.Equal(t, a.Counts, second.Counts)
		require.Equal(t, map[string]int{
			"accounts": 2, "sites": 3, "roles": 3, "users": 3, "serviceUsers": 1, "assignments": 5,
		}, second.Counts)
		require.True(t, second.At.After(first.At))
		require.Equal(t, expected(after), export(t, s, acme, nil))
		require.Equal(t, expected(before), export(t, s, acme, &first.At))
		require.Equal(
			t,
			1,
			count(
				t,
				s,
				"SELECT COUNT(*) FROM assignments WHERE principal_id = '403' AND role_id = '302' AND scope_id = '203'",
			),
		)
	})
}

// A sync of an unchanged console writes neither an entity nor an assignment row.
func TestPromote_UnchangedWritesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		first := syncOnce(t, s, acme, "s1", w)
		rows := func() []int {
			var out []int
			for _, table := range []string{"entities", "assignments"} {
				out = append(
					out,
					count(t, s, "SELECT COUNT(*) FROM "+table),
					count(t, s, "SELECT SUM(since) FROM "+table),
					count(t, s, "SELECT COUNT(*) FROM "+table+" WHERE until IS NOT NULL"),
				)
			}
			return out
		}
		before := rows()
		seen := time.Date(2026, 3, 4, 9, 30, 0, 123456000, time.UTC)
		ana := w.principals["401"]
		ana.LastActiveAt = &seen // changes without a change of access
		w.principals["401"] = ana
		p := syncOnce(t, s, acme, "s2", w)
		require.Equal(t, store.StateUnchanged, p.State)
		require.Zero(t, p.Added+p.Removed)
		require.Equal(t, first.Counts, p.Counts)
		require.Equal(t, before, rows())
		require.Equal(t, expected(w), export(t, s, acme, nil), "the last activity is the newest")
		got, err := s.Latest(t.Context(), acme, nil)
		require.NoError(t, err)
		require.Equal(t, "s2", got.ID)
	})
}

// A new name creates a version of the principal and leaves its assignments untouched.
func TestPromote_NameOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		const written = "SELECT SUM(since) + COUNT(until) FROM assignments"
		assignments := count(t, s, written)
		carol := w.principals["403"]
		carol.Name = "Carol C."
		carol.Held = []access.HeldRole{carol.Held[1], carol.Held[0], carol.Held[1]} // means the same
		w.principals["403"] = carol
		p := syncOnce(t, s, acme, "s2", w)
		require.Equal(t, store.StatePromoted, p.State)
		require.Zero(t, p.Added+p.Removed)
		require.Equal(t, assignments, count(t, s, written))
		require.Equal(t, 2, count(t, s, "SELECT COUNT(*) FROM entities WHERE id = '403'"))
		require.Equal(t, 1, count(t, s, "SELECT COUNT(*) FROM entities WHERE id = '402'"))
	})
}

// Only the collections in the input are promoted; the rest of the snapshot is dropped.
func TestPromote_PartOfASnapshot(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		receive(t, s, acme, "s1", w)
		p := promote(t, s, "s1", access.Accounts, access.Sites)
		require.Equal(t, map[string]int{"accounts": 2, "sites": 4}, p.Counts)
		e := export(t, s, acme, nil)
		require.Len(t, e.Sites, 4)
		require.Empty(t, e.Roles)
		require.Empty(t, e.Principals)
		require.Empty(t, e.Assignments)
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM assignments"))
	})
}

// A sync of some collections leaves the others as they are.
func TestPromote_SnapshotOfSomeCollections(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		delete(w.principals, "403")
		receive(t, s, acme, "s2", w, access.Users)
		m, err := s.Members(t.Context(), "s2")
		require.NoError(t, err)
		require.Equal(t, map[string]store.RoleMembers{
			"301": {
				Users:       1,
				Assignments: 1,
			},
			"303": {Users: 1, Assignments: 1},
			"302": {ServiceUsers: 1, Assignments: 1},
		}, m)
		p := promote(t, s, "s2", access.Users)
		require.Equal(t, map[string]int{
			"accounts": 2, "sites": 4, "roles": 3, "users": 2, "serviceUsers": 1, "assignments": 3,
		}, p.Counts)
		require.Equal(t, expected(w), export(t, s, acme, nil))
	})
}

// Several consoles share a database without seeing each other, even with equal ids.
func TestPromote_ConsolesAreSeparate(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		const other = "other.example.com:8443"
		w, v := smallWorld(), smallWorld()
		delete(v.principals, "401")
		syncOnce(t, s, acme, "s1", w)
		syncOnce(t, s, other, "s2", v)
		delete(w.principals, "403")
		syncOnce(t, s, acme, "s3", w)
		require.Equal(t, expected(w), export(t, s, acme, nil))
		require.Equal(t, expected(v), export(t, s, other, nil))
		consoles, err := s.Consoles(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{acme, other}, consoles)
		require.ErrorContains(t, s.Begin(t.Context(), store.BeginInput{Console: other, ID: "s1"}),
			"belongs to a snapshot of "+acme)
	})
}

// A deleted entity that returns is visible again, and the gap stays in the history.
func TestPromote_DeletedEntityReturns(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		without := w.clone()
		delete(without.principals, "403")
		gap := syncOnce(t, s, acme, "s2", without)
		syncOnce(t, s, acme, "s3", w)
		require.Equal(t, expected(w), export(t, s, acme, nil))
		require.Equal(t, expected(without), export(t, s, acme, &gap.At))
	})
}

// Two promotions never have the same time, even if the clock stands still or goes back.
func TestPromote_ClockBehind(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		s.SetClock(func() time.Time { return began })
		first := syncOnce(t, s, acme, "s1", w)
		s.SetClock(func() time.Time { return began.Add(-time.Hour) })
		second := syncOnce(t, s, acme, "s2", w)
		require.True(t, first.At.Equal(began))
		require.Equal(t, time.Microsecond, second.At.Sub(first.At))
	})
}

// Promoting twice gives the first answer; promoting an incomplete drain is an error.
func TestPromote_RepeatedOrNotDrained(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		begin(t, s, acme, "s1", access.Accounts, access.Sites)
		drain(t, s, "s1", access.Accounts, 1, 2, w)
		_, err := s.Promote(t.Context(), "s1", store.PromoteInput{Collections: []access.Collection{access.Sites}})
		require.ErrorContains(t, err, "sites of snapshot s1 is not drained")
		_, err = s.Promote(t.Context(), "s1", store.PromoteInput{Collections: []access.Collection{access.Roles}})
		require.ErrorContains(t, err, "promote roles of snapshot s1: it does not cover that collection")
		_, err = s.Promote(t.Context(), "s1", store.PromoteInput{})
		require.ErrorContains(t, err, "name the collections")
		_, err = s.Promote(t.Context(), "none", store.PromoteInput{Collections: access.Collections()})
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		drain(t, s, "s1", access.Sites, 1, 3, w)
		first := promote(t, s, "s1", access.Accounts, access.Sites)
		require.Equal(t, first, promote(t, s, "s1", access.Accounts, access.Sites))
		require.ErrorIs(
			t,
			s.Discard(t.Context(), "s1", store.DiscardInput{State: store.StateDiscarded}),
			store.ErrDecided,
		)
		require.ErrorIs(t, s.Quarantine(t.Context(), "s1", nil), store.ErrDecided)
		_, err = s.StartDrain(t.Context(), "s1", access.Sites, 2)
		require.ErrorIs(t, err, store.ErrDecided)
	})
}
