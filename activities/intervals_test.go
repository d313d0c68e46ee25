package activities_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// span is the time of a grant, in minutes.
type span struct{ from, to float64 }

// relations are the thirteen that two intervals can have (Allen).
var relations = map[string][2]span{
	"before":        {{0, 10}, {20, 30}},
	"meets":         {{0, 10}, {10, 20}},
	"overlaps":      {{0, 20}, {10, 30}},
	"finished by":   {{0, 30}, {10, 30}},
	"contains":      {{0, 30}, {10, 20}},
	"starts":        {{0, 10}, {0, 20}},
	"equals":        {{0, 20}, {0, 20}},
	"started by":    {{0, 20}, {0, 10}},
	"during":        {{10, 20}, {0, 30}},
	"finishes":      {{10, 30}, {0, 30}},
	"overlapped by": {{10, 30}, {0, 20}},
	"met by":        {{10, 20}, {0, 10}},
	"after":         {{20, 30}, {0, 10}},
}

func (s span) holds(minute float64) bool { return s.from < minute && minute < s.to }

// middles are the moments between two ends that follow on one another, and one before
// and after all.
func middles(spans ...span) []float64 {
	var ends []float64
	for _, s := range spans {
		ends = append(ends, s.from, s.to)
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	out := []float64{ends[0] - 5}
	for i := 1; i < len(ends); i++ {
		out = append(out, (ends[i-1]+ends[i])/2)
	}
	return append(out, ends[len(ends)-1]+5)
}

// Two grants of one role at one scope: it is there exactly while one of them lives.
func TestIntervals_OneRole(t *testing.T) {
	t.Parallel()
	for name, two := range relations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTimeline(t, consoletest.Options{})
			truth := l.console.Truth()
			wanted := access.HeldRole{RoleID: truth.Roles[1].ID, ScopeID: truth.Sites[1].ID}
			l.lease("a", wanted, two[0].from, two[0].to)
			l.lease("b", wanted, two[1].from, two[1].to)
			for _, m := range middles(two[:]...) {
				want := ""
				if two[0].holds(m) || two[1].holds(m) {
					want = wanted.RoleID
				}
				l.then(m, func() { require.Equal(t, want, l.roleAt(wanted.ScopeID), "minute %v", m) })
			}
			l.run()
			require.Len(t, l.answers, 4)
			require.Equal(t, truth.Roles[0].ID, l.roleAt(truth.Sites[0].ID), "what it held elsewhere stays")
		})
	}
}

// Two grants with different roles at one scope: the later one holds while it lives; when
// it ends the earlier one is back if it still lives, else what was there before.
func TestIntervals_TwoRoles(t *testing.T) {
	t.Parallel()
	for name, two := range relations {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, something before: %v", name, before), func(t *testing.T) {
				t.Parallel()
				twoRoles(t, two, before)
			})
		}
	}
}

func twoRoles(t *testing.T, two [2]span, before bool) {
	t.Helper()
	truth := consoletest.New(consoletest.Options{}).Truth()
	scope, role := truth.Sites[1].ID, []string{truth.Roles[1].ID, truth.Roles[2].ID}
	baseline, held := "", []access.HeldRole{}
	if before {
		baseline, held = truth.Roles[3].ID, []access.HeldRole{{RoleID: truth.Roles[3].ID, ScopeID: scope}}
	}
	l := newTimeline(t, consoletest.Options{}, held...)
	for i, s := range two {
		l.lease(string(rune('a'+i)), access.HeldRole{RoleID: role[i], ScopeID: scope}, s.from, s.to)
	}
	later := 0 // of two that begin at once the one that is asked for last
	if two[1].from >= two[0].from {
		later = 1
	}
	for _, m := range middles(two[:]...) {
		want := baseline
		switch {
		case two[later].holds(m):
			want = role[later]
		case two[1-later].holds(m):
			want = role[1-later]
		}
		l.then(m, func() { require.Equal(t, want, l.roleAt(scope), "minute %v", m) })
	}
	l.run()
	require.Len(t, l.answers, 4)
}

// belief is a small model of one scope, as told and not as programmed.
type belief struct {
	shown  string      // on the console
	ours   string      // as last seen or written by us
	under  string      // what was there before, or what someone put there since
	leases [][2]string // id and role, oldest first
}

// look takes what someone else has changed for the way it is meant to be.
func (b *belief) look() {
	if b.shown != b.ours {
		b.under, b.leases, b.ours = b.shown, nil, b.shown
	}
}

func (b *belief) write() {
	b.shown = b.under
	if n := len(b.leases); n > 0 {
		b.shown = b.leases[n-1][1]
	}
	b.ours = b.shown
}

// Some grants at two scopes, and a hand at work between them.
func TestIntervals_Random(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random(t, rand.New(rand.NewPCG(seed, 11)))
		})
	}
}

func random(t *testing.T, r *rand.Rand) {
	t.Helper()
	l := newTimeline(t, consoletest.Options{})
	truth := l.console.Truth()
	scopes := []string{truth.Sites[1].ID, truth.Sites[2].ID}
	beliefs := map[string]*belief{scopes[0]: {}, scopes[1]: {}}
	moments := r.Perm(40) // each of them used once
	moment := func() (m float64) {
		m, moments = float64(2*moments[0]), moments[1:]
		return m
	}
	type happening struct {
		minute float64
		do     func()
	}
	var plot []happening
	seeAll := func() {
		for _, b := range beliefs {
			b.look()
		}
	}
	for i := range 3 + r.IntN(2) {
		h := access.HeldRole{RoleID: truth.Roles[1+r.IntN(3)].ID, ScopeID: scopes[r.IntN(2)]}
		id, from, to := string(rune('a'+i)), moment(), moment()
		from, to = min(from, to), max(from, to)
		l.lease(id, h, from, to)
		b := beliefs[h.ScopeID]
		plot = append(plot, happening{from, func() {
			seeAll()
			b.leases = append(b.leases, [2]string{id, h.RoleID})
			b.write()
		}}, happening{to, func() {
			seeAll()
			b.leases = slices.DeleteFunc(b.leases, func(x [2]string) bool { return x[0] == id })
			b.write()
		}})
	}
	for range r.IntN(4) {
		at, scope, role := moment(), scopes[r.IntN(2)], truth.Roles[1+r.IntN(4)].ID
		take := r.IntN(3) == 0
		l.then(at, func() { l.byHand(scope, role, take) })
		plot = append(plot, happening{at, func() {
			beliefs[scope].shown = role
			if take {
				beliefs[scope].shown = ""
			}
		}})
	}
	slices.SortFunc(plot, func(a, b happening) int { return int(a.minute - b.minute) })
	for _, p := range plot {
		p.do()
		want := [2]string{beliefs[scopes[0]].shown, beliefs[scopes[1]].shown}
		l.then(p.minute+1, func() {
			require.Equal(t, want, [2]string{l.roleAt(scopes[0]), l.roleAt(scopes[1])}, "minute %v", p.minute+1)
		})
	}
	l.run()
}

// byHand gives or takes the role at a site behind our back.
func (l *timeline) byHand(site, role string, take bool) {
	if !take {
		require.NoError(l.t, l.console.GiveRole(access.User, l.who.ID, access.SiteLevel,
			access.HeldRole{RoleID: role, ScopeID: site}))
		return
	}
	if is := l.roleAt(site); is != "" {
		require.NoError(l.t, l.console.TakeRole(access.User, l.who.ID, access.SiteLevel,
			access.HeldRole{RoleID: is, ScopeID: site}))
	}
}
