package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Readers see the last proven state while a sync drains, while it is quarantined, and
// after it is discarded.
func TestReaders_NeverSeeHalfASync(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, url := db.t, db.s, db.url
		w := smallWorld()
		receive(t, s, acme, "s0", w)
		_, err := s.Latest(t.Context(), acme, nil)
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		require.ErrorIs(t, s.Export(t.Context(), acme, nil, &exported{}), store.ErrNoSnapshot)
		promote(t, s, "s0")

		reader, err := store.OpenReader(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, reader.Close()) })
		same := func(when string) {
			require.Equal(t, expected(w), export(t, reader, acme, nil), when)
			rows, err := reader.Access(t.Context(), store.AccessQuery{Console: acme})
			require.NoError(t, err)
			require.Len(t, rows, 5, when)
			changes, err := reader.Changes(t.Context(), store.ChangesQuery{Console: acme})
			require.NoError(t, err)
			require.Len(t, changes, 5, when)
		}
		other := smallWorld()
		delete(other.principals, "403")
		delete(other.sites, "201")
		other.principals["499"] = access.Principal{
			Kind: access.User, ID: "499", Name: "New", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		}
		receive(t, s, acme, "s1", other)
		same("drained")
		require.NoError(t, s.Quarantine(t.Context(), "s1", []string{"users: 1 of 3 gone"}))
		same("quarantined")
		latest, err := reader.Latest(t.Context(), acme, nil)
		require.NoError(t, err)
		require.Equal(t, "s0", latest.ID)
		require.NoError(t, s.Discard(t.Context(), "s1", store.DiscardInput{State: store.StateDiscarded}))
		same("discarded")
	})
}

// A quarantined snapshot is listed with its reasons until it is promoted.
func TestQuarantine_ThenPromote(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		delete(w.principals, "402")
		receive(t, s, acme, "s2", w)
		require.NoError(t, s.Quarantine(t.Context(), "s2", []string{"first"}))
		require.NoError(
			t,
			s.Quarantine(t.Context(), "s2", []string{"users: 1 of 3 gone", "assignments: 1 of 5 gone"}),
		)
		held, err := s.Quarantined(t.Context(), acme)
		require.NoError(t, err)
		require.Len(t, held, 1)
		require.Equal(t, "s2", held[0].ID)
		require.Equal(t, []string{"users: 1 of 3 gone", "assignments: 1 of 5 gone"}, held[0].Reasons)
		require.Equal(t, 2, held[0].Counts["users"])
		require.False(t, held[0].FinishedAt.IsZero())
		require.True(t, held[0].PromotedAt.IsZero())

		p, err := s.Promote(
			t.Context(),
			"s2",
			store.PromoteInput{By: "carol@example.com", Collections: access.Collections()},
		)
		require.NoError(t, err)
		require.Equal(t, store.StatePromoted, p.State)
		require.Equal(t, expected(w), export(t, s, acme, nil))
		held, err = s.Quarantined(t.Context(), acme)
		require.NoError(t, err)
		require.Empty(t, held)
		latest, err := s.Latest(t.Context(), acme, nil)
		require.NoError(t, err)
		require.Equal(t, "carol@example.com", latest.DecidedBy)
	})
}

// A snapshot stores the workflow to which people send the decision; a repeated Begin does
// not change it.
func TestQuarantine_NamesItsWorkflow(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		for _, id := range []string{"sync/" + acme + "-2026-03-03T12:00:00Z", "other"} {
			require.NoError(t, s.Begin(t.Context(), store.BeginInput{
				Console: acme, ID: "s1", StartedAt: began, WorkflowID: id,
			}))
		}
		begin(t, s, acme, "s2")
		for _, id := range []string{"s1", "s2"} {
			for _, c := range access.Collections() {
				drain(t, s, id, c, 1, 2, smallWorld())
			}
			require.NoError(t, s.Quarantine(t.Context(), id, nil))
		}
		held, err := s.Quarantined(t.Context(), acme)
		require.NoError(t, err)
		require.Len(t, held, 2)
		require.Equal(t, "sync/"+acme+"-2026-03-03T12:00:00Z", held[0].WorkflowID)
		require.Empty(t, held[1].WorkflowID)
	})
}

// A sync of other collections neither makes an answer about principals fresher nor a
// quarantined snapshot outdated; later syncs of all collections that it covers do.
func TestProvenance_IsTheOldestSync(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		at := map[string]time.Time{}
		principals := []access.Collection{access.Users, access.ServiceUsers}
		rests := func(asOf, want string, missing ...access.Collection) {
			t.Helper()
			var when *time.Time
			if asOf != "" {
				when = new(at[asOf])
			}
			got, unread, err := s.Provenance(t.Context(), acme, when, principals...)
			require.NoError(t, err)
			require.Equal(t, want, got.ID)
			require.Equal(t, missing, unread)
		}
		held := func(want ...string) {
			t.Helper()
			snaps, err := s.Promotable(t.Context(), acme)
			require.NoError(t, err)
			got := []string(nil)
			for _, snap := range snaps {
				got = append(got, snap.ID)
			}
			require.Equal(t, want, got)
		}
		_, _, err := s.Provenance(t.Context(), acme, nil, principals...)
		require.ErrorIs(t, err, store.ErrNoSnapshot)
		at["s0"] = syncOnce(t, s, acme, "s0", w, access.Accounts).At
		rests("", "s0", principals...)
		at["s1"] = syncOnce(t, s, acme, "s1", w, access.Accounts, access.Users).At
		rests("", "s1", access.ServiceUsers)
		at["s2"] = syncOnce(t, s, acme, "s2", w).At
		receive(t, s, acme, "s3", w)
		require.NoError(t, s.Quarantine(t.Context(), "s3", nil))
		at["s4"] = syncOnce(t, s, acme, "s4", w, access.Accounts).At
		rests("", "s2")
		held("s3")
		at["s5"] = syncOnce(t, s, acme, "s5", w, access.Users).At
		rests("", "s2")
		held("s3")
		at["s6"] = syncOnce(t, s, acme, "s6", w, access.ServiceUsers).At
		rests("", "s5")
		held("s3")
		at["s7"] = syncOnce(t, s, acme, "s7", w).At
		rests("", "s7")
		held()
		for asOf, want := range map[string]string{"s2": "s2", "s4": "s2", "s5": "s2", "s6": "s5", "s7": "s7"} {
			rests(asOf, want)
		}
		rests("s0", "s0", principals...)
		rests("s1", "s1", access.ServiceUsers)
	})
}

// A discarded snapshot leaves no rows, and discarding it again is no error.
func TestQuarantine_ThenDiscard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s1", w)
		rows := count(t, s, "SELECT COUNT(*) FROM entities") + count(t, s, "SELECT COUNT(*) FROM assignments")
		other := emptyWorld()
		other.principals["499"] = access.Principal{
			Kind: access.User, ID: "499", Name: "New", Level: access.Tenant,
			Held: []access.HeldRole{{RoleID: "301"}},
		}
		receive(t, s, acme, "s2", other)
		require.NoError(t, s.Quarantine(t.Context(), "s2", []string{"too much is gone"}))
		drop := store.DiscardInput{
			By:    "bob@example.com",
			Why:   "the console was being restored",
			State: store.StateDiscarded,
		}
		require.NoError(t, s.Discard(t.Context(), "s2", drop))
		require.NoError(t, s.Discard(t.Context(), "s2", drop))
		require.Equal(
			t,
			rows,
			count(t, s, "SELECT COUNT(*) FROM entities")+count(t, s, "SELECT COUNT(*) FROM assignments"),
		)
		for _, table := range []string{"unchanged", "closing", "saved_pages"} {
			require.Zero(t, count(t, s, "SELECT COUNT(*) FROM "+table), table)
		}
		_, err := s.Promote(t.Context(), "s2", store.PromoteInput{Collections: access.Collections()})
		require.ErrorIs(t, err, store.ErrDecided)
		_, err = s.Assess(t.Context(), "s2")
		require.ErrorIs(t, err, store.ErrDecided)
		require.ErrorIs(t, save(t, s, "s2", access.Users, 1, 1, true), store.ErrDecided)
		require.ErrorIs(t, s.Discard(t.Context(), "none", drop), store.ErrNoSnapshot)
		require.ErrorContains(
			t,
			s.Discard(t.Context(), "s2", store.DiscardInput{State: "gone"}),
			"choose discarded or failed",
		)
		require.NoError(
			t,
			s.Begin(t.Context(), store.BeginInput{Console: acme, ID: "s2", StartedAt: began}),
			"a late repeat",
		)
		p, err := s.Progress(t.Context(), "s2")
		require.NoError(t, err)
		require.Equal(t, store.StateDiscarded, p.State)
	})
}

// Collections of a snapshot are stale once a later one is promoted: they must be left out,
// and their rows are cleared.
func TestOverlappingSyncs_Stale(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s0", w)
		old := w.clone()
		delete(old.principals, "402")
		receive(t, s, acme, "early", old)
		newer := w.clone()
		delete(newer.principals, "403")
		receive(t, s, acme, "late", newer, access.Users)
		promote(t, s, "late", access.Users)

		a, err := s.Assess(t.Context(), "early")
		require.NoError(t, err)
		require.Equal(t, []access.Collection{access.Users}, a.Stale)
		require.Empty(t, a.Moved)
		require.Equal(t, 2, a.Counts["users"])
		require.Zero(t, a.Removed)
		sum, err := s.Drained(t.Context(), "early", access.Users, 1)
		require.NoError(t, err)
		require.True(t, sum.Stale)
		p, err := s.Promote(t.Context(), "early", store.PromoteInput{Collections: access.Collections()})
		require.NoError(t, err)
		require.Equal(t, store.Promotion{Moved: []access.Collection{access.Users}}, p)
		rest := []access.Collection{access.Accounts, access.Sites, access.Roles, access.ServiceUsers}
		require.Equal(t, store.StateUnchanged, promote(t, s, "early", rest...).State)
		require.Equal(t, expected(newer), export(t, s, acme, nil))
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM unchanged"))
	})
}

// A later sync that found no changes makes an earlier one stale, too.
func TestOverlappingSyncs_StaleByUnchanged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s0", w)
		old := w.clone()
		delete(old.principals, "402")
		receive(t, s, acme, "early", old, access.Users)
		require.Equal(t, store.StateUnchanged, syncOnce(t, s, acme, "late", w).State)
		a, err := s.Assess(t.Context(), "early")
		require.NoError(t, err)
		require.Equal(t, []access.Collection{access.Users}, a.Stale)
		p, err := s.Promote(t.Context(), "early", store.PromoteInput{Collections: []access.Collection{access.Users}})
		require.NoError(t, err)
		require.Equal(t, store.Promotion{Moved: []access.Collection{access.Users}}, p)
		require.Equal(t, expected(w), export(t, s, acme, nil))
	})
}

// A snapshot has moved if an earlier one is promoted after its drain began: it must drain
// again.
func TestOverlappingSyncs_Moved(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		syncOnce(t, s, acme, "s0", w)
		old := w.clone()
		delete(old.principals, "402")
		begin(t, s, acme, "early")
		receive(t, s, acme, "late", w)
		for _, c := range access.Collections() {
			drain(t, s, "early", c, 1, 2, old)
		}
		promote(t, s, "early")

		a, err := s.Assess(t.Context(), "late")
		require.NoError(t, err)
		require.Empty(t, a.Stale)
		require.Equal(t, []access.Collection{access.Users}, a.Moved, "the others are as they were")
		p, err := s.Promote(t.Context(), "late", store.PromoteInput{Collections: access.Collections()})
		require.NoError(t, err)
		require.Equal(t, store.Promotion{Moved: []access.Collection{access.Users}}, p)
		require.Equal(t, expected(old), export(t, s, acme, nil), "nothing was done")
		drain(t, s, "late", access.Users, 2, 2, w)
		got := promote(t, s, "late")
		require.Equal(t, []int{1, 0}, []int{got.Added, got.Removed})
		require.Equal(t, expected(w), export(t, s, acme, nil))
	})
}

// A later sync clears the rows of a sync that died.
func TestBegin_ClearsOutdatedDrains(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		w := smallWorld()
		receive(t, s, acme, "dead", w)
		begin(t, s, acme, "also dead", access.Users)
		_, err := s.StartDrain(t.Context(), "also dead", access.Users, 1)
		require.NoError(t, err)
		require.NoError(t, save(t, s, "also dead", access.Users, 1, 0, false, ana("Ana")))
		syncOnce(t, s, acme, "s1", w)
		require.Zero(t, count(t, s, "SELECT COUNT(*) FROM saved_pages"))
		require.Equal(t, 13, count(t, s, "SELECT COUNT(*) FROM entities"))
		require.Equal(t, 5, count(t, s, "SELECT COUNT(*) FROM assignments"))
		require.Equal(t, expected(w), export(t, s, acme, nil))
	})
}
