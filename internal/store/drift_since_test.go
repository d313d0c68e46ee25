package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// driftModel makes random edits and changes of ours, and syncs between them.
type driftModel struct {
	*driftScene

	rnd     *rand.Rand
	before  world // as readers see it
	claims  []store.Claim
	deltas  int
	partial int // explanations that looked at some principals only
}

// delta syncs by the feed whoever has changed.
func (m *driftModel) delta() {
	m.later()
	m.deltas++
	feed, err := m.s.Feed(m.Context(), acme, "")
	require.NoError(m, err)
	in := store.DeltaInput{
		Console: acme, ID: fmt.Sprintf("delta-%d", m.deltas), StartedAt: m.now, Base: feed.Base,
		Parts: map[access.Collection]store.DeltaPart{}, Feed: store.FeedProgress{ReadAt: m.now},
	}
	for id, p := range m.w.principals {
		was, known := m.before.principals[id]
		if known && slices.Equal(was.Held, p.Held) && was.Level == p.Level {
			continue
		}
		part := in.Parts[p.In()]
		part.Entities = append(part.Entities, p)
		in.Parts[p.In()] = part
	}
	for id, p := range m.before.principals {
		if _, there := m.w.principals[id]; !there {
			part := in.Parts[p.In()]
			part.Gone = append(part.Gone, id)
			in.Parts[p.In()] = part
		}
	}
	out, err := m.s.ApplyDelta(m.Context(), in)
	require.NoError(m, err)
	require.False(m, out.Overtaken)
	m.before = m.w.clone()
}

// randomEdit gives somebody other roles by hand, or deletes or restores a user.
func (m *driftModel) randomEdit() {
	ids := []string{"401", "402", "403", "501"}
	id := ids[m.rnd.IntN(len(ids))]
	p, there := m.w.principals[id]
	if !there {
		m.w.principals[id] = smallWorld().principals[id]
		return
	}
	if m.rnd.IntN(8) == 0 {
		delete(m.w.principals, id)
		return
	}
	scopes := []string{"201", "202", "203"}
	p.Level = access.SiteLevel
	p.Held = nil
	for _, s := range scopes[:1+m.rnd.IntN(len(scopes))] {
		p.Held = append(p.Held, access.HeldRole{RoleID: []string{"302", "303"}[m.rnd.IntN(2)], ScopeID: s})
	}
	m.w.principals[id] = p
}

// randomClaim puts a change of ours on record: a new one, or the end of one, which may be recorded late.
func (m *driftModel) randomClaim() {
	if len(m.claims) > 0 && m.rnd.IntN(3) == 0 {
		c := &m.claims[m.rnd.IntN(len(m.claims))]
		switch {
		case c.State != store.ClaimOpen || c.Op == store.ClaimAdopt:
		case m.rnd.IntN(2) == 0:
			c.State = store.ClaimLost
		default:
			c.State, c.ClosedAt = store.ClaimClosed, m.now.Add(-time.Duration(m.rnd.IntN(3))*time.Hour)
		}
		m.claim(*c)
		return
	}
	op := []store.ClaimOp{
		store.ClaimLease, store.ClaimGrant, store.ClaimAdopt, store.ClaimRevoke,
	}[m.rnd.IntN(4)]
	n := len(m.claims)
	c := store.Claim{
		ID: fmt.Sprintf("grant/%d#run", n), Op: op, Request: fmt.Sprintf("grant/%d", n), Run: "run",
		Principal: ledger.Subject{Kind: access.User, ID: []string{"401", "402", "403"}[m.rnd.IntN(3)]},
		State:     store.ClaimOpen, Proven: true, Authorized: m.rnd.IntN(5) > 0,
		Began: m.now.Add(-time.Duration(m.rnd.IntN(2)) * time.Hour),
		Holding: access.Holding{
			Level: access.SiteLevel, RoleID: []string{"302", "303"}[m.rnd.IntN(2)],
			ScopeID: []string{"201", "202", "203"}[m.rnd.IntN(3)],
		},
	}
	if p := m.w.principals[c.Principal.ID]; m.rnd.IntN(4) > 0 && len(p.Held) > 0 { // a role that is held
		held := p.Held[m.rnd.IntN(len(p.Held))]
		c.Holding = access.Holding{Level: p.Level, RoleID: held.RoleID, ScopeID: held.ScopeID}
	}
	if op == store.ClaimLease {
		c.Due, c.Why = m.now.Add(time.Duration(1+m.rnd.IntN(6))*time.Hour), "end"
	}
	m.claims = append(m.claims, c)
	m.claim(c)
}

// requireWhole explains, and compares what is on record with all drift there is.
func (m *driftModel) requireWhole(step string) {
	ctx, t := m.Context(), m.T
	restricted, err := m.s.IsRestricted(ctx, acme, m.now)
	require.NoError(t, err)
	if restricted {
		m.partial++
	}
	m.explain()
	require.ElementsMatch(t, m.wholeDrift(ctx), m.recordedDrift(ctx), "%s, looking at some: %v", step, restricted)
}

func (m *driftModel) wholeDrift(ctx context.Context) (out []string) {
	require.NoError(m, m.s.Drift(ctx, store.DriftQuery{Console: acme, Now: m.now}, func(r store.DriftRow) error {
		out = append(out, fmt.Sprint(r.Drift, r.Kind, r.ID, r.Level, r.ScopeID, r.RoleID))
		return nil
	}))
	return out
}

func (m *driftModel) recordedDrift(ctx context.Context) (out []string) {
	rows, err := m.s.DB().QueryContext(ctx, `SELECT kind, principal_kind, principal_id, level, scope_id, role_id
		FROM drift WHERE console = $1 AND gone_at IS NULL`, acme)
	require.NoError(m, err)
	defer func() { require.NoError(m, rows.Close()) }()
	for rows.Next() {
		var r store.DriftRow
		require.NoError(m, rows.Scan(&r.Drift, &r.Kind, &r.ID, &r.Level, &r.ScopeID, &r.RoleID))
		out = append(out, fmt.Sprint(r.Drift, r.Kind, r.ID, r.Level, r.ScopeID, r.RoleID))
	}
	require.NoError(m, rows.Err())
	return out
}

// An explanation after delta syncs, which looks at some principals only, finds what one of all principals does: over
// random edits by hand, changes of ours, full syncs and times between them.
func TestExplain_SomeAsAll(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		seed := rand.Uint64()
		db.t.Logf("seed %d", seed)
		m := &driftModel{driftScene: newDriftScene(db), rnd: rand.New(rand.NewPCG(seed, 1))}
		require.NoError(db.t, db.s.WantFeed(db.t.Context(), acme))
		m.sync()
		m.before = m.w.clone()
		m.explain()
		found := map[drift.Kind]bool{}
		for i := range 150 {
			switch n := m.rnd.IntN(20); {
			case n < 9:
				m.randomEdit()
				m.delta()
			case n < 12:
				m.randomEdit()
				m.randomEdit()
			case n < 15:
				m.randomClaim()
			case n < 18:
				m.delta()
			case n == 18:
				m.sync()
				m.before = m.w.clone()
			default:
				m.now = m.now.Add(time.Duration(m.rnd.IntN(300)) * time.Minute)
			}
			m.requireWhole(fmt.Sprintf("seed %d, step %d", seed, i))
			for k := range m.explain().Counts {
				found[k] = true
			}
		}
		require.Greater(t, m.partial, 50, "explanations that looked at some")
		require.True(t, found[drift.Unexplained])
	})
}

// A claim that has changed may be an old one, about somebody whom no sync has found changed for long.
func TestExplain_OldClaimChanges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		m := &driftModel{driftScene: newDriftScene(db)}
		require.NoError(db.t, db.s.WantFeed(db.t.Context(), acme))
		m.sync()
		m.before = m.w.clone()
		m.explain()
		lease := m.lease("INC-1", 30*24*time.Hour)
		m.claim(lease)
		m.edit("403", globex, acmeSite, oslo)
		m.delta()
		require.Equal(t, 1, m.explain().Counts[drift.Leased])
		m.now = m.now.Add(24 * time.Hour)
		m.edit("402", access.HeldRole{RoleID: "302", ScopeID: "102"})
		m.delta()
		require.Equal(t, 1, m.explain().Counts[drift.Unexplained])
		lease.State = store.ClaimLost
		m.claim(lease)
		require.Equal(t, 2, m.explain().Counts[drift.Unexplained])
	})
}

// After a full sync, which sees also whom the feed did not name, an explanation looks at everyone; after delta syncs
// alone at some.
func TestExplain_AllAfterAFullSync(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		m := &driftModel{driftScene: newDriftScene(db)}
		require.NoError(db.t, db.s.WantFeed(db.t.Context(), acme))
		m.sync()
		m.before = m.w.clone()
		m.explain()
		restricted := func() bool {
			some, err := m.s.IsRestricted(m.Context(), acme, m.now)
			require.NoError(m, err)
			return some
		}
		m.edit("402", globex)
		m.delta()
		require.True(m, restricted())
		m.edit("501", globex)
		m.edit("402", acmeSite)
		m.sync()
		m.before = m.w.clone()
		require.False(m, restricted(), "a full sync since the last explanation")
		m.explain()
		m.edit("402", oslo)
		m.delta()
		require.True(m, restricted())
	})
}
