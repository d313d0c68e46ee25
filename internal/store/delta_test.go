package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// deltaStore is a store with a full sync from which delta syncs go on.
type deltaStore struct {
	database

	truth world
}

const (
	readAt = 12 * time.Hour // after began, by the worker's clock
	marked = 10 * time.Hour // after began, by the console's
)

func newDeltaStore(db database) *deltaStore {
	d := &deltaStore{database: db, truth: smallWorld()}
	require.NoError(d.t, d.s.WantFeed(d.t.Context(), acme))
	d.full("s1")
	return d
}

// full is a whole sync with its mark and its measure, in which the feed was read without a gap and named the ids.
func (d *deltaStore) full(id string, named ...store.PrincipalRef) *store.FeedMeasure {
	d.t.Helper()
	begin(d.t, d.s, acme, id)
	at := time.Duration(len(id)) * time.Minute
	require.NoError(d.t, d.s.MarkFeed(d.t.Context(), acme, store.FeedMark{
		Snapshot: id, Types: []int{23, 24}, At: began.Add(marked + at), TakenAt: began.Add(readAt + at),
	}))
	for _, c := range access.Collections() {
		drain(d.t, d.s, id, c, 1, 10, d.truth)
	}
	promote(d.t, d.s, id, access.Collections()...)
	return d.measure(id, named...)
}

func (d *deltaStore) measure(id string, named ...store.PrincipalRef) *store.FeedMeasure {
	d.t.Helper()
	in := store.MeasureInput{Console: acme, Snapshot: id, Read: true, Named: map[store.PrincipalRef][]string{}}
	for _, who := range named {
		in.Named[who] = []string{"Carol Roy"}
	}
	got, err := d.s.MeasureFeed(d.t.Context(), in)
	require.NoError(d.t, err)
	return got
}

func (d *deltaStore) feed() store.Feed {
	d.t.Helper()
	f, err := d.s.Feed(d.t.Context(), acme, "")
	require.NoError(d.t, err)
	return f
}

// apply is a delta sync that received these principals and found others gone.
func (d *deltaStore) apply(
	id string, gone map[access.Collection][]string, received ...access.Principal,
) store.DeltaResult {
	d.t.Helper()
	in := store.DeltaInput{
		Console: acme, ID: id, StartedAt: began, Base: d.feed().Base, Parts: map[access.Collection]store.DeltaPart{},
		Feed: store.FeedProgress{ReadAt: d.feed().ReadAt.Add(time.Minute)}, Authors: map[store.PrincipalRef][]string{},
	}
	for c, ids := range gone {
		in.Parts[c] = store.DeltaPart{Gone: ids}
	}
	for _, p := range received {
		part := in.Parts[p.In()]
		part.Entities = append(part.Entities, p)
		in.Parts[p.In()] = part
		in.Authors[store.PrincipalRef{Kind: p.Kind, ID: p.ID}] = []string{"Bob", "Carol Roy"}
	}
	out, err := d.s.ApplyDelta(d.t.Context(), in)
	require.NoError(d.t, err)
	return out
}

func (d *deltaStore) requireTruth() {
	d.t.Helper()
	require.Equal(d.t, expected(d.truth), export(d.t, d.s, acme, nil))
	for _, table := range []string{"unchanged", "closing", "saved_pages", "gone"} {
		require.Zero(d.t, count(d.t, d.s, "SELECT COUNT(*) FROM "+table), table)
	}
}

// What a delta received replaces what readers saw, with the intervals and the counts of a full sync; the rest stays.
func TestApplyDelta_Promotes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		before := export(d.t, d.s, acme, nil)
		at := time.Now()
		ana := d.truth.principals["401"]
		ana.Held = []access.HeldRole{{RoleID: "302"}}
		dave := access.Principal{
			Kind: access.User, ID: "404", Email: "dave@example.com", Name: "Dave", Level: access.SiteLevel,
			Held: []access.HeldRole{{RoleID: "302", ScopeID: "201"}},
		}
		d.truth.principals["401"], d.truth.principals["404"] = ana, dave
		delete(d.truth.principals, "403")
		delete(d.truth.principals, "501")

		out := d.apply("d1", map[access.Collection][]string{
			access.Users: {"403", "999"}, access.ServiceUsers: {"501"},
		}, ana, dave)

		require.Equal(d.t, "promoted", out.State)
		require.Equal(d.t, 4, out.Changed)
		require.Equal(d.t, []int{2, 4}, []int{out.Added, out.Removed})
		require.Equal(d.t, map[string]int{
			"accounts": 2, "sites": 4, "roles": 3, "users": 3, "serviceUsers": 0, "assignments": 3,
		}, out.Counts)
		d.requireTruth()
		require.Equal(d.t, before, export(d.t, d.s, acme, &at), "what was before is still there as of then")
		latest, err := d.s.Latest(d.t.Context(), acme, nil)
		require.NoError(d.t, err)
		require.Equal(d.t, "d1", latest.ID)

		begin(d.t, d.s, acme, "s2")
		for _, c := range access.Collections() {
			drain(d.t, d.s, "s2", c, 1, 10, d.truth)
		}
		require.Equal(d.t, "unchanged", promote(d.t, d.s, "s2", access.Collections()...).State,
			"a full sync finds nothing else")
	})
}

// A delta that receives what readers see already leaves no snapshot, and keeps the last activity.
func TestApplyDelta_Unchanged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		seen := began.Add(time.Hour)
		ana := d.truth.principals["401"]
		ana.LastActiveAt = &seen
		d.truth.principals["401"] = ana
		before := d.feed()
		out := d.apply("d1", map[access.Collection][]string{access.ServiceUsers: {"999"}}, ana)
		require.Equal(d.t, "unchanged", out.State)
		require.Zero(d.t, out.Changed)
		d.requireTruth()
		latest, err := d.s.Latest(d.t.Context(), acme, nil)
		require.NoError(d.t, err)
		require.Equal(d.t, "s1", latest.ID)
		require.Equal(d.t, latest.Counts, out.Counts)
		require.Equal(d.t, before.ReadAt.Add(time.Minute), d.feed().ReadAt)

		out = d.apply("d2", nil)
		require.Equal(d.t, "unchanged", out.State)
		require.Equal(d.t, latest.Counts, out.Counts)
	})
}

// Repeating a delta returns the first answer; one whose base has moved, or beside which a full sync runs, or which is
// not allowed, changes nothing.
func TestApplyDelta_ChangesNothingOnAnotherBase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		base := d.feed().Base
		ana := d.truth.principals["401"]
		ana.Name = "Ana Roy"
		d.truth.principals["401"] = ana
		first := d.apply("d1", nil, ana)
		require.Equal(d.t, "promoted", first.State)
		again := d.apply("d1", nil)
		require.Equal(d.t, first.Promotion, again.Promotion)

		ana.Name = "Ana Stale"
		in := store.DeltaInput{
			Console: acme, ID: "d2", StartedAt: began, Base: base, Feed: store.FeedProgress{ReadAt: began},
			Parts: map[access.Collection]store.DeltaPart{access.Users: {Entities: []access.Entity{ana}}},
		}
		out, err := d.s.ApplyDelta(d.t.Context(), in)
		require.NoError(d.t, err)
		require.True(d.t, out.Overtaken)
		d.requireTruth()

		in.Base = d.feed().Base
		in.Allow = func(losses []store.Loss, counts map[string]int) []string {
			require.Equal(d.t, 3, counts["users"])
			require.Equal(d.t, "users", losses[0].What)
			return []string{"not today"}
		}
		out, err = d.s.ApplyDelta(d.t.Context(), in)
		require.NoError(d.t, err)
		require.Equal(d.t, []string{"not today"}, out.Reasons)
		d.requireTruth()
		require.Zero(d.t, count(d.t, d.s, "SELECT COUNT(*) FROM snapshots WHERE id = 'd2'"))

		in.Allow = nil
		begin(d.t, d.s, acme, "s2")
		require.True(d.t, d.feed().Unfinished)
		out, err = d.s.ApplyDelta(d.t.Context(), in)
		require.NoError(d.t, err)
		require.True(d.t, out.Overtaken)
		d.requireTruth()
	})
}

// A list that was read whole shows what is gone from it.
func TestApplyDelta_CompleteList(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		delete(d.truth.roles, "303")
		d.truth.roles["304"] = access.Role{ID: "304", Name: "Auditor", Scope: access.Tenant}
		_, err := d.s.ApplyDelta(d.t.Context(), store.DeltaInput{
			Console: acme, ID: "d1", StartedAt: began, Base: d.feed().Base, Feed: store.FeedProgress{ReadAt: began},
			Parts: map[access.Collection]store.DeltaPart{
				access.Roles: {Entities: d.truth.of(access.Roles), Complete: true},
			},
		})
		require.NoError(d.t, err)
		d.requireTruth()
	})
}

// After a full sync the feed has missed the changed rows that it did not name, of all that any sync found since the
// last
// one; whom it named is the author, of changes and of nothing else.
func TestMeasureFeed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		require.Nil(d.t, d.measure("s1"), "the first full sync has nothing to compare with")
		require.Empty(d.t, d.feed().Why)
		require.Equal(d.t, began.Add(marked+2*time.Minute), d.feed().Watermark)

		ana, bob, carol := d.truth.principals["401"], d.truth.principals["402"], d.truth.principals["403"]
		ana.Held = []access.HeldRole{{RoleID: "302"}}
		d.truth.principals["401"] = ana
		d.apply("d1", nil, ana)
		bob.Held = []access.HeldRole{{RoleID: "302", ScopeID: "101"}}
		carol.Held = carol.Held[:1]
		d.truth.principals["402"], d.truth.principals["403"] = bob, carol
		delete(d.truth.principals, "501")

		named := store.PrincipalRef{Kind: access.User, ID: "402"}
		want := &store.FeedMeasure{Missed: 2, Changes: 4}
		require.Equal(d.t, want, d.full("s02", named))
		require.Equal(d.t, want, d.measure("s02"), "repeating it returns the first answer")
		require.Equal(d.t, []int{2, 4}, []int{d.feed().Missed, d.feed().Changes})
		require.Equal(d.t, &store.FeedMeasure{}, d.full("s003"), "and then it begins anew")

		changes, err := d.s.Changes(d.t.Context(), store.ChangesQuery{Console: acme})
		require.NoError(d.t, err)
		by := map[string]bool{}
		for _, c := range changes {
			switch {
			case c.ID == "401" && c.By != nil:
				require.Equal(d.t, []string{"Bob", "Carol Roy"}, c.By)
			case c.ID == "402" && c.By != nil:
				require.Equal(d.t, []string{"Carol Roy"}, c.By)
			default:
				require.Nil(d.t, c.By, "%s", c.ID)
			}
			by[c.ID] = by[c.ID] || c.By != nil
		}
		require.Equal(d.t, map[string]bool{"401": true, "402": true, "403": false, "501": false}, by)
	})
}

// Where the feed cannot be read, delta syncs end until a full sync marks it again.
func TestMarkFeed_Why(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		require.Contains(db.t, (&deltaStore{database: db}).feed().Why, "first delta sync")
		d := newDeltaStore(db)
		require.NoError(d.t, d.s.MarkFeed(d.t.Context(), acme, store.FeedMark{Why: "403"}))
		require.Equal(d.t, "403", d.feed().Why)
		require.Nil(d.t, d.measure("s1"))
		require.Equal(d.t, "403", d.feed().Why)
		require.Nil(d.t, d.full("s02"), "what was missed meanwhile is not known")
		require.Empty(d.t, d.feed().Why)
	})
}

// Ids that were seen are kept for two days behind the watermark.
func TestSeenActivities(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		at := func(hours int) time.Time { return began.Add(time.Duration(hours) * time.Hour) }
		advance := func(id string, to time.Time, seen ...store.SeenActivity) {
			_, err := d.s.ApplyDelta(d.t.Context(), store.DeltaInput{
				Console: acme, ID: id, Base: d.feed().Base,
				Feed: store.FeedProgress{Watermark: to, ReadAt: to, Seen: seen, Counted: access.Users},
			})
			require.NoError(d.t, err)
		}
		advance("d1", at(20), store.SeenActivity{ID: "1", At: at(1)}, store.SeenActivity{ID: "2", At: at(20)})
		advance("d2", at(19), store.SeenActivity{ID: "2", At: at(20)})
		require.Equal(d.t, at(20), d.feed().Watermark, "it never goes back")
		require.Equal(d.t, access.Users, d.feed().Counted)
		seen := func(since time.Time) map[string]bool {
			got, err := d.s.SeenActivities(d.t.Context(), acme, since)
			require.NoError(d.t, err)
			return got
		}
		require.Equal(d.t, map[string]bool{"1": true, "2": true}, seen(time.Time{}))
		require.Equal(d.t, map[string]bool{"2": true}, seen(at(2)))
		advance("d3", at(50))
		require.Equal(d.t, map[string]bool{"2": true}, seen(time.Time{}))
	})
}

// Names are found by their indexes: an address without regard to case, a name exactly, and nobody who is gone.
func TestPrincipalsNamed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDeltaStore(db)
		named := func(email, name string) []store.PrincipalRef {
			t.Helper()
			out, err := d.s.PrincipalsNamed(t.Context(), acme, email, name)
			require.NoError(t, err)
			return out
		}
		bob := store.PrincipalRef{Kind: access.User, ID: "402"}
		require.Equal(t, []store.PrincipalRef{bob}, named("BOB@example.com", ""))
		require.Equal(t, []store.PrincipalRef{bob}, named("", d.truth.principals["402"].Name))
		require.Empty(t, named("", "bob nobody"))
		require.Empty(t, named("", ""))
		d.apply("s2", map[access.Collection][]string{access.Users: {"402"}})
		require.Empty(t, named("bob@example.com", ""))
	})
}

// A principal counts as read by the last full sync of its collection, or by a later delta sync that found it changed or
// gone; an answer about a collection by full syncs alone.
func TestReadAt(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		readAt := func(kind access.Kind, id string) time.Time {
			at, err := db.s.ReadAt(db.t.Context(), acme, store.PrincipalRef{Kind: kind, ID: id})
			require.NoError(db.t, err)
			return at.UTC()
		}
		require.Zero(db.t, readAt(access.User, "401"), "no sync is proven")
		d := newDeltaStore(db)
		delta := func(id string, at time.Time, part store.DeltaPart) {
			_, err := d.s.ApplyDelta(d.t.Context(), store.DeltaInput{
				Console: acme, ID: id, StartedAt: at, Base: d.feed().Base, Feed: store.FeedProgress{ReadAt: at},
				Parts: map[access.Collection]store.DeltaPart{access.Users: part},
			})
			require.NoError(d.t, err)
		}
		ana := d.truth.principals["401"]
		ana.Name = "Ana Roy"
		first, second := began.Add(time.Hour), began.Add(2*time.Hour)
		delta("d1", first, store.DeltaPart{Entities: []access.Entity{ana, d.truth.principals["402"]}})
		delta("d2", second, store.DeltaPart{Gone: []string{"403"}})
		require.Equal(d.t, first, readAt(access.User, "401"))
		require.Equal(d.t, began, readAt(access.User, "402"), "that it was refetched left no trace")
		require.Equal(d.t, second, readAt(access.User, "403"))
		require.Equal(d.t, began, readAt(access.User, "999"), "the full sync did not find it")
		require.Equal(d.t, began, readAt(access.ServiceUser, "401"), "of another kind")

		last, _, err := d.s.Provenance(d.t.Context(), acme, nil, access.Users)
		require.NoError(d.t, err)
		require.Equal(d.t, "d2", last.ID)
		full, unread, err := d.s.FullProvenance(d.t.Context(), acme, nil, access.Users)
		require.NoError(d.t, err)
		require.Empty(d.t, unread)
		require.Equal(d.t, "s1", full.ID)

		d.truth.principals["401"] = ana
		delete(d.truth.principals, "403")
		d.full("s02")
		full, _, err = d.s.FullProvenance(d.t.Context(), acme, nil, access.Users)
		require.NoError(d.t, err)
		require.Equal(d.t, "s02", full.ID)
		require.Equal(d.t, full.StartedAt.UTC(), readAt(access.User, "401"))
	})
}
