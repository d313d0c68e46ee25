package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Random histories of a console, drained in random pages with repeated entries, abandoned
// attempts and discarded syncs, give exactly the states of the model: now and as of every
// promotion.
func TestSync_MatchesModel(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, url := db.t, db.s, db.url
		second := open(t, url)
		for seed := range uint64(4) {
			m := &model{
				t: t, s: s, second: second, r: rand.New(rand.NewPCG(seed, 7)),
				console: fmt.Sprintf("console-%d", seed), truth: emptyWorld(),
			}
			for step := range 12 {
				m.sync(fmt.Sprintf("%d/%d", seed, step))
			}
			reader, err := store.OpenReader(t.Context(), url)
			require.NoError(t, err)
			m.s = reader
			m.check("a fresh reader")
			require.NoError(t, reader.Close())
		}
		for _, table := range []string{"unchanged", "closing", "saved_pages"} {
			require.Zero(t, count(t, s, "SELECT COUNT(*) FROM "+table), table)
		}
	})
}

// model predicts what the store must return to readers.
type model struct {
	t       *testing.T
	s       *store.Store
	second  *store.Store // stands for another process: it has no page in its cache
	r       *rand.Rand
	console string
	truth   world // the current state of the console
	history []promotedState
}

type promotedState struct {
	at    time.Time
	shown exported
}

func (m *model) sync(id string) {
	m.t.Helper()
	m.mutate()
	collections := access.Collections()
	if len(m.history) > 0 && m.r.IntN(4) == 0 {
		collections = nil
		for _, c := range access.Collections() {
			if m.r.IntN(2) == 0 {
				collections = append(collections, c)
			}
		}
		if len(collections) == 0 {
			collections = []access.Collection{access.Users}
		}
	}
	begin(m.t, m.s, m.console, id, collections...)
	for _, c := range collections {
		m.drain(id, c)
	}
	if len(m.history) > 0 && m.r.IntN(4) == 0 {
		require.NoError(m.t, m.s.Quarantine(m.t.Context(), id, []string{"chance"}))
		if m.r.IntN(2) == 0 {
			require.NoError(m.t, m.s.Discard(m.t.Context(), id, store.DiscardInput{State: store.StateDiscarded}))
			m.check(id)
			return
		}
	}
	m.promote(id, collections)
	m.check(id)
}

// promote also compares the reported changes with what readers saw before.
func (m *model) promote(id string, collections []access.Collection) {
	m.t.Helper()
	a, err := m.s.Assess(m.t.Context(), id)
	require.NoError(m.t, err)
	members, err := m.s.Members(m.t.Context(), id)
	require.NoError(m.t, err)
	p := promote(m.t, m.s, id, collections...)
	require.Equal(m.t, []int{a.Added, a.Removed}, []int{p.Added, p.Removed})
	require.Equal(m.t, a.Counts, p.Counts)

	var before exported
	if len(m.history) > 0 {
		before = m.history[len(m.history)-1].shown
	}
	shown := m.shown(before, collections)
	require.Equal(m.t, countMissing(shown.Assignments, before.Assignments), p.Added, id)
	require.Equal(m.t, countMissing(before.Assignments, shown.Assignments), p.Removed, id)
	require.Equal(m.t, roleMembersOf(shown), members, id)
	m.history = append(m.history, promotedState{p.At, shown})
}

// shown is what readers must see: the current state of the promoted collections, and the
// state before of the others.
func (m *model) shown(before exported, collections []access.Collection) exported {
	truth := expected(m.truth)
	kept := func(c access.Collection) bool { return !slices.Contains(collections, c) }
	out := truth
	if kept(access.Accounts) {
		out.Accounts = before.Accounts
	}
	if kept(access.Sites) {
		out.Sites = before.Sites
	}
	if kept(access.Roles) {
		out.Roles = before.Roles
	}
	out.Principals, out.Assignments = nil, nil
	for _, c := range []access.Collection{access.Users, access.ServiceUsers} {
		from := truth
		if kept(c) {
			from = before
		}
		for _, p := range from.Principals {
			if p.In() == c {
				out.Principals = append(out.Principals, p)
			}
		}
		for _, a := range from.Assignments {
			if a.PrincipalKind == c.PrincipalKind() {
				out.Assignments = append(out.Assignments, a)
			}
		}
	}
	return out
}

func countMissing(these, from []access.Assignment) int {
	had := map[access.Assignment]bool{}
	for _, a := range from {
		had[a] = true
	}
	n := 0
	for _, a := range these {
		if !had[a] {
			n++
		}
	}
	return n
}

func roleMembersOf(e exported) map[string]store.RoleMembers {
	out := map[string]store.RoleMembers{}
	counted := map[string]bool{}
	for _, a := range e.Assignments {
		m := out[a.RoleID]
		m.Assignments++
		if key := fmt.Sprint(a.RoleID, a.PrincipalKind, a.PrincipalID); !counted[key] {
			counted[key] = true
			if a.PrincipalKind == access.User {
				m.Users++
			} else {
				m.ServiceUsers++
			}
		}
		out[a.RoleID] = m
	}
	return out
}

func (m *model) check(id string) {
	m.t.Helper()
	require.Equal(m.t, m.history[len(m.history)-1].shown, export(m.t, m.s, m.console, nil), "%s: now", id)
	for i, then := range m.history {
		require.Equal(m.t, then.shown.withoutActivity(), export(m.t, m.s, m.console, &then.at).withoutActivity(),
			"%s: as of promotion %d", id, i)
	}
	changes, err := m.s.Changes(m.t.Context(), store.ChangesQuery{Console: m.console})
	require.NoError(m.t, err)
	held := map[access.Assignment]bool{}
	for _, c := range changes {
		a := access.Assignment{
			PrincipalKind: c.Kind,
			PrincipalID:   c.ID,
			RoleID:        c.RoleID,
			Level:         c.Level,
			ScopeID:       c.ScopeID,
		}
		require.Equal(m.t, c.Action == store.Removed, held[a], "%s: %s of what was held: %t", id, c.Action, held[a])
		held[a] = c.Action == store.Added
	}
	for _, a := range m.history[len(m.history)-1].shown.Assignments {
		require.True(m.t, held[a], "%s: the changes add up to what is held", id)
		delete(held, a)
	}
	for a, still := range held {
		require.False(m.t, still, "%s: the changes end with %v", id, a)
	}
}

// drain drains a collection after up to two abandoned attempts.
func (m *model) drain(id string, c access.Collection) {
	m.t.Helper()
	attempt := 1
	for range m.r.IntN(3) { // attempts abandoned halfway that received other entries
		other := &model{t: m.t, s: m.s, second: m.second, r: m.r, truth: m.truth.clone()}
		other.mutate()
		other.drainPages(id, c, attempt, true)
		attempt++
	}
	m.drainPages(id, c, attempt, false)
}

func (m *model) drainPages(id string, c access.Collection, attempt int, giveUp bool) {
	m.t.Helper()
	d, err := m.s.StartDrain(m.t.Context(), id, c, attempt)
	require.NoError(m.t, err)
	pages := m.randomPages(c)
	total := len(m.truth.of(c))
	for i, page := range pages {
		require.Equal(m.t, i, d.Pages)
		if giveUp && m.r.IntN(3) == 0 {
			return
		}
		in := store.SavePageInput{
			Snapshot: id, Collection: c, Attempt: attempt, Page: i, Cursor: fmt.Sprint(i), Last: i == len(pages)-1,
			Total: &total, Entities: page, Requests: 1,
		}
		require.NoError(m.t, m.s.SavePage(m.t.Context(), in))
		if m.r.IntN(3) == 0 {
			require.ErrorIs(m.t, m.s.SavePage(m.t.Context(), in), store.ErrStale)
		}
		if m.r.IntN(2) == 0 {
			_, err := m.anyStore().LoadPage(m.t.Context(), id, c, attempt)
			require.NoError(m.t, err)
		}
		d, err = m.s.StartDrain(m.t.Context(), id, c, attempt)
		require.NoError(m.t, err)
	}
	if giveUp {
		return
	}
	load(m.t, m.anyStore(), id, c, attempt)
	sum, err := m.s.Drained(m.t.Context(), id, c, attempt)
	require.NoError(m.t, err)
	require.Equal(m.t, total, sum.Distinct)
}

func (m *model) anyStore() *store.Store {
	if m.r.IntN(2) == 0 {
		return m.second
	}
	return m.s
}

// randomPages splits a collection into pages of random sizes. Some entries come twice, the
// first time perhaps with other contents.
func (m *model) randomPages(c access.Collection) [][]access.Entity {
	var all []access.Entity
	for _, e := range m.truth.of(c) {
		if m.r.IntN(6) == 0 {
			if p, ok := e.(access.Principal); ok {
				all = append(all, m.changePrincipal(p))
			} else {
				all = append(all, e)
			}
		}
	}
	rest := m.truth.of(c)
	m.r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	all = append(all, rest...)
	var pages [][]access.Entity
	for len(all) > 0 {
		n := 1 + m.r.IntN(len(all))
		pages = append(pages, all[:n])
		all = all[n:]
	}
	return append(pages, nil)
}

// mutate makes up to eleven random changes to the console.
func (m *model) mutate() {
	id := func(base, n int) string { return fmt.Sprint(base + m.r.IntN(n)) }
	for range m.r.IntN(12) {
		switch m.r.IntN(8) {
		case 0:
			a := access.Account{ID: id(100, 4), Name: "Account " + id(0, 3)}
			m.truth.accounts[a.ID] = a
		case 1:
			s := access.Site{ID: id(200, 8), Name: "Site " + id(0, 4), AccountID: id(100, 4)}
			m.truth.sites[s.ID] = s
		case 2:
			r := access.Role{ID: id(300, 5), Name: "Role " + id(0, 3), Scope: access.Tenant}
			m.truth.roles[r.ID] = r
		case 3:
			delete(m.truth.principals, id(400, 12))
			delete(m.truth.sites, id(200, 8))
		default:
			p := access.Principal{Kind: access.User, ID: id(400, 12)}
			if m.r.IntN(3) == 0 {
				p.Kind, p.ID = access.ServiceUser, id(500, 6)
			}
			m.truth.principals[p.ID] = m.changePrincipal(p)
		}
	}
}

// changePrincipal changes some of a principal's name, level, roles and last activity at
// random.
func (m *model) changePrincipal(p access.Principal) access.Principal {
	if p.Level == "" || m.r.IntN(2) == 0 {
		p.Level = []access.Level{access.AccountLevel, access.SiteLevel}[m.r.IntN(2)]
		p.Held = nil
		for range m.r.IntN(4) {
			p.Held = append(
				p.Held,
				access.HeldRole{RoleID: fmt.Sprint(300 + m.r.IntN(5)), ScopeID: fmt.Sprint(100 + m.r.IntN(3))},
			)
		}
		p.Held = access.NormalizeHeld(p.Held)
	}
	if m.r.IntN(2) == 0 {
		p.Name = fmt.Sprintf("Name %d", m.r.IntN(4))
	}
	if m.r.IntN(2) == 0 {
		at := began.Add(time.Duration(m.r.IntN(1e6)) * time.Second)
		p.LastActiveAt = &at
	} else if m.r.IntN(4) == 0 {
		p.LastActiveAt = nil
	}
	return p
}
