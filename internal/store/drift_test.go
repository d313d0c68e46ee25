package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// driftScene is a console with its ledger: changes of ours and hand edits, an hour apart, and syncs between
// them.
type driftScene struct {
	*testing.T

	s     *store.Store
	w     world
	now   time.Time
	syncs int
	at    ledger.Head
}

func newDriftScene(db database) *driftScene {
	d := &driftScene{T: db.t, s: db.s, w: smallWorld(), now: began}
	db.s.SetClock(func() time.Time { return d.now })
	return d
}

func (d *driftScene) later() { d.now = d.now.Add(time.Hour) }

// sync receives what the console shows.
func (d *driftScene) sync() {
	d.Helper()
	d.later()
	d.syncs++
	id := fmt.Sprintf("sync-%d", d.syncs)
	require.NoError(d, d.s.Begin(d.Context(), store.BeginInput{Console: acme, ID: id, StartedAt: d.now}))
	for _, c := range access.Collections() {
		drain(d.T, d.s, id, c, 1, 100, d.w)
	}
	promote(d.T, d.s, id)
	d.later()
}

// edit changes the roles of a principal on the console.
func (d *driftScene) edit(id string, held ...access.HeldRole) {
	p := d.w.principals[id]
	p.Held = held
	d.w.principals[id] = p
}

// claim puts claims on record, as of now.
func (d *driftScene) claim(claims ...store.Claim) {
	d.Helper()
	for i := range claims {
		c := &claims[i]
		entry := appendTo(d.T, d.s, acme, ledger.NewEntry{
			Request: c.Request, Key: fmt.Sprintf("%s#run/note/%d", c.Request, d.at.Seq), At: d.now,
			Body: anyBody{"note", d.at.Seq},
		})[0]
		if c.Entry == 0 {
			c.Entry = entry.Seq
		}
		to := ledger.Head{Seq: entry.Seq, Hash: entry.Hash}
		saved, err := d.s.SaveClaims(d.Context(), acme, store.ClaimsUpdate{
			From: d.at, To: to, Runs: []ledger.Run{c.Of()}, Claims: []store.Claim{*c},
			Principals: []ledger.Subject{c.Principal},
		})
		require.NoError(d, err)
		require.True(d, saved)
		d.at = to
	}
}

var (
	carolOslo = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "202"}
	oslo      = access.HeldRole{RoleID: "302", ScopeID: "202"}
	globex    = access.HeldRole{RoleID: "302", ScopeID: "203"}
	acmeSite  = access.HeldRole{RoleID: "302", ScopeID: "201"}
)

// lease is carol's SOC at Oslo for a time, proven.
func (d *driftScene) lease(name string, end time.Duration) store.Claim {
	return store.Claim{
		ID: "grant/" + name + "#run", Op: store.ClaimLease, Holding: carolOslo, Request: "grant/" + name, Run: "run",
		Principal: ledger.Subject{Kind: access.User, ID: "403"}, State: store.ClaimOpen, Proven: true, Authorized: true,
		Began: d.now, Due: d.now.Add(end), Why: "end",
	}
}

func (d *driftScene) explain() store.Explanation {
	d.Helper()
	out, err := d.s.Explain(d.Context(), acme, d.now)
	require.NoError(d, err)
	return out
}

// drift is all drift now, as words.
func (d *driftScene) drift(q store.DriftQuery) []string {
	d.Helper()
	q.Console, q.Now = acme, d.now
	out := []string{}
	require.NoError(d, d.s.Drift(d.Context(), q, func(r store.DriftRow) error {
		out = append(out, fmt.Sprintf("%s %s %s %s", r.Drift, r.Name, r.RoleName, r.ScopeName))
		return nil
	}))
	return out
}

// Each kind of assignment is told from the others, in counts and in the list.
func TestExplain_Kinds(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		require.Equal(t, drift.Counts{drift.Baseline: 5, drift.Granted: 0, drift.Leased: 0}, d.explain().Counts)

		d.edit("403", globex, acmeSite, oslo)
		d.claim(d.lease("INC-1", 24*time.Hour))
		d.sync()
		require.Equal(t, drift.Counts{drift.Baseline: 5, drift.Granted: 0, drift.Leased: 1}, d.explain().Counts)
		require.Empty(t, d.drift(store.DriftQuery{}))

		d.edit("402", access.HeldRole{RoleID: "303", ScopeID: "101"}, access.HeldRole{RoleID: "302", ScopeID: "102"})
		d.sync()
		got := d.explain()
		require.Equal(t, drift.Counts{drift.Unexplained: 1}, got.New)
		require.Equal(t, 1, got.Counts[drift.Unexplained])
		require.Equal(t, 5, got.Counts[drift.Baseline])
		require.Equal(t, []string{"unexplained Bob SOC Globex"}, d.drift(store.DriftQuery{}))
		require.Empty(t, d.explain().New, "each is new once")

		d.now = d.now.Add(24 * time.Hour)
		got = d.explain()
		require.Equal(t, drift.Counts{drift.Overdue: 1}, got.New, "time alone")
		require.Equal(t, []string{"overdue Carol SOC Acme / Oslo", "unexplained Bob SOC Globex"},
			d.drift(store.DriftQuery{}))

		granted := d.lease("INC-2", 0)
		granted.Op, granted.Due, granted.Why = store.ClaimGrant, time.Time{}, ""
		d.claim(granted)
		got = d.explain()
		require.Equal(t, 1, got.Counts[drift.Granted])
		require.Zero(t, got.Counts[drift.Overdue], "it is granted permanently now")

		d.edit("403", globex, acmeSite)
		d.sync()
		require.Equal(t, drift.Counts{drift.Missing: 1}, d.explain().New)
		require.Equal(t, []string{"unexplained Bob SOC Globex", "missing Carol SOC Acme / Oslo"},
			d.drift(store.DriftQuery{}))
		require.Equal(t, []string{"missing Carol SOC Acme / Oslo"},
			d.drift(store.DriftQuery{Principal: "carol@example.com"}))
		require.Equal(t, []string{"unexplained Bob SOC Globex"}, d.drift(store.DriftQuery{Scope: "Globex"}))
		require.Equal(t, []string{"missing Carol SOC Acme / Oslo"},
			d.drift(store.DriftQuery{Kinds: []drift.Kind{drift.Missing}, Role: "302"}))
		since := d.now.Add(-2 * time.Hour)
		require.Equal(t, []string{"missing Carol SOC Acme / Oslo"},
			d.drift(store.DriftQuery{Since: &since}))
	})
}

// What was written without a request is drift until a rule adopts it, and again if it is written again.
func TestExplain_UnauthorizedIsAdopted(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		d.explain()
		written := d.lease("INC-1", 0)
		written.Op, written.Due, written.Why, written.Authorized = store.ClaimGrant, time.Time{}, "", false
		d.claim(written)
		d.edit("403", globex, acmeSite, oslo)
		d.sync()
		require.Equal(t, drift.Counts{drift.Unauthorized: 1}, d.explain().New)

		adopted := written
		adopted.ID, adopted.Op, adopted.Request, adopted.Authorized = "drift#1", store.ClaimAdopt, "drift", true
		d.claim(adopted)
		require.Zero(t, d.explain().Counts.Drift())
		require.Empty(t, d.drift(store.DriftQuery{}))

		written.ID, written.Request = "grant/INC-2#run", "grant/INC-2"
		d.claim(written)
		require.Equal(t, 1, d.explain().Counts[drift.Unauthorized])
	})
}

// A change of ours that is newer than the snapshot is no drift, in either direction.
func TestExplain_NewerThanTheSnapshot(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		lease := d.lease("INC-1", 24*time.Hour)
		d.claim(lease)
		require.Empty(t, d.explain().New, "not on the snapshot yet")
		require.Empty(t, d.drift(store.DriftQuery{}))
		d.edit("403", globex, acmeSite, oslo)
		d.sync()
		require.Empty(t, d.explain().New)

		d.later()
		lease.State, lease.ClosedAt = store.ClaimClosed, d.now
		d.claim(lease)
		require.Empty(t, d.explain().New, "still on the snapshot")
		require.Empty(t, d.drift(store.DriftQuery{}))
		d.sync() // and the console shows it all the same: somebody has given it again
		require.Equal(t, drift.Counts{drift.Unexplained: 1}, d.explain().New)
	})
}

// What a lease of ours had replaced is baseline when it is back.
func TestExplain_RestoredByUs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		d.explain()
		lease := d.lease("INC-1", 24*time.Hour)
		lease.Holding = access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "201"}
		d.claim(lease)
		d.edit("403", globex, access.HeldRole{RoleID: "301", ScopeID: "201"})
		d.sync()
		require.Empty(t, d.explain().New)
		lease.State, lease.ClosedAt = store.ClaimClosed, d.now
		d.claim(lease)
		d.edit("403", globex, acmeSite)
		d.sync()
		got := d.explain()
		require.Empty(t, got.New)
		require.Equal(t, 5, got.Counts[drift.Baseline])

		d.edit("403", globex) // by hand, and back by hand
		d.sync()
		require.Empty(t, d.explain().New, "nothing of ours is gone")
		d.edit("403", globex, acmeSite)
		d.sync()
		require.Equal(t, drift.Counts{drift.Unexplained: 1}, d.explain().New)
	})
}

// An unchanged console is not explained again, until an end comes.
func TestExplain_Unchanged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		first := d.explain()
		d.sync()
		require.Equal(t, first.At, d.explain().At)
		d.edit("403", globex, acmeSite, oslo)
		d.claim(d.lease("INC-1", 10*time.Hour))
		d.sync()
		second := d.explain()
		require.NotEqual(t, first.At, second.At)
		d.sync()
		require.Equal(t, second.At, d.explain().At)
		d.now = d.now.Add(10 * time.Hour)
		require.Equal(t, drift.Counts{drift.Overdue: 1}, d.explain().New)
	})
}

// Of each assignment, the store says what it is to us.
func TestOrigins(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		d.explain()
		lease := d.lease("INC-1", 10*time.Hour)
		d.claim(lease)
		d.edit("403", globex, acmeSite, oslo)
		d.edit("402", access.HeldRole{RoleID: "302", ScopeID: "102"})
		d.sync()
		d.explain()
		leased := drift.Assignment{Kind: access.User, ID: "403", Holding: carolOslo}
		base := drift.Assignment{
			Kind: access.User, ID: "401", Holding: access.Holding{Level: access.Tenant, RoleID: "301"},
		}
		byHand := drift.Assignment{Kind: access.User, ID: "402", Holding: access.Holding{
			Level: access.AccountLevel, RoleID: "302", ScopeID: "102",
		}}
		origins := func() map[drift.Assignment]store.Origin {
			out, err := d.s.Origins(d.Context(), acme, d.now, []drift.Assignment{leased, base, byHand})
			require.NoError(d, err)
			return out
		}
		require.Equal(d, map[drift.Assignment]store.Origin{
			leased: {Kind: drift.Leased, Request: "grant/INC-1", Until: &lease.Due},
			base:   {Kind: drift.Baseline},
			byHand: {Kind: drift.Unexplained},
		}, origins())
		d.now = d.now.Add(10 * time.Hour)
		require.Equal(d, drift.Overdue, origins()[leased].Kind)
		lease.State, lease.ClosedAt = store.ClaimClosed, d.now
		d.claim(lease)
		require.Equal(d, store.Origin{Kind: drift.Leased, Request: "grant/INC-1", Until: &d.now, Released: true},
			origins()[leased])
	})
}
