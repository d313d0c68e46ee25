package access_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// givenChange is a grant in force, with the baseline that its proof names.
type givenChange struct {
	change access.Change
	before access.Holdings
}

// walk is one principal, changed by everything but an approved permanent grant.
type walk struct {
	*testing.T
	world

	label   string
	state   access.OwnershipState
	actual  access.Holdings
	mayHold map[access.Holding]bool // what was there before us, or was given by hand
	given   []givenChange           // in the order in which they began
	edited  bool                    // by hand
	seen    map[string]int
}

func newWalk(t *testing.T, seed uint64, seen map[string]int) *walk {
	t.Helper()
	w := &walk{
		T: t, world: newWorld(seed), label: fmt.Sprint("seed ", seed), mayHold: map[access.Holding]bool{}, seen: seen,
	}
	w.actual = w.holdings()
	w.allow(w.actual, access.Holdings{})
	return w
}

// allow notes roles that are not ours: those in now that were not there before.
func (w *walk) allow(now, before access.Holdings) {
	for _, h := range now.Held {
		if x := (access.Holding{Level: now.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}); !before.Holds(x) {
			w.mayHold[x] = true
		}
	}
}

// requireNoneOfOurs fails if a role is there that only a lease of ours has given.
func (w *walk) requireNoneOfOurs(what string, h access.Holdings) {
	w.Helper()
	for _, x := range h.Held {
		held := access.Holding{Level: h.Level, RoleID: x.RoleID, ScopeID: x.ScopeID}
		require.True(w, w.mayHold[held], "%s: %s is in the %s for good", w.label, held, what)
	}
}

// editByHand adds, removes or replaces a role, or replaces all of them.
func (w *walk) editByHand() {
	now := w.holdings()
	if w.IntN(4) > 0 {
		now = w.actual.Normal()
		h := w.holding()
		now.Held = slices.DeleteFunc(now.Held, func(x access.HeldRole) bool { return x.ScopeID == h.ScopeID })
		if now.Level == h.Level && w.IntN(2) == 0 || len(now.Held) == 0 {
			now.Level, now.Held = h.Level, append(now.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
		}
	}
	w.allow(now, w.actual)
	w.edited = w.edited || !now.Equal(w.actual)
	w.actual = now.Normal()
}

// apply does as the writer does: it adopts the lease of a lost writer first.
func (w *walk) apply(c access.Change) access.Step {
	if i := slices.IndexFunc(w.given, func(g givenChange) bool { return g.change.Lease.ID == c.Lease.ID }); i >= 0 {
		w.state = w.state.AdoptLeases(c, w.given[i].before)
	}
	step := w.state.Apply(c, w.actual)
	w.seen[string(c.Op)+" "+string(step.Outcome)]++
	w.state, w.actual = step.Next, step.After
	return step
}

func (w *walk) acquire(n int) {
	c := access.Change{
		Op: access.OpAcquire, Lease: access.Lease{ID: fmt.Sprint("g", n), Holding: w.holding()},
		Rules: access.Rules{AllowLevelChange: w.IntN(2) == 0},
	}
	if c.Lease.Level == access.SiteLevel && w.IntN(3) == 0 {
		c = c.WithScopes(planOfScopes(c.Lease.Holding, "105", "106"))
	}
	if step := w.apply(c); !step.Refused() {
		w.given = append(w.given, givenChange{change: c, before: step.Next.Baseline})
	}
}

// planOfScopes is a plan for a role at several sites.
func planOfScopes(first access.Holding, more ...string) access.Plan {
	p := access.Plan{Role: access.RoleRef{ID: first.RoleID}}
	for _, id := range append([]string{first.ScopeID}, more...) {
		p.Scopes = append(p.Scopes, access.ScopeRef{Level: first.Level, ID: id})
	}
	p.Scope = p.Scopes[0]
	return p
}

// ending is the release of a grant.
func (g givenChange) ending() access.Change {
	return access.Change{Op: access.OpRelease, Lease: g.change.Lease, Also: g.change.Also}
}

// release ends one of the leases. Only a hand edit can leave nothing to go back to.
func (w *walk) release(i int) {
	g := w.given[i]
	step := w.apply(g.ending())
	if step.Refused() {
		require.True(w, w.edited, "%s: the release of %s is impossible", w.label, g.change.Lease.ID)
		require.Equal(w, access.LastRoleStays, step.Outcome, w.label)
		before := w.actual // somebody gives another role, as the message asks
		w.actual = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "9", ScopeID: "999"}}}
		if before.Level == access.SiteLevel {
			w.actual.Held = append(w.actual.Held, before.Held...)
		}
		w.allow(w.actual, before)
		step = w.apply(g.ending())
		require.False(w, step.Refused(), "%s: the release of %s stays impossible", w.label, g.change.Lease.ID)
	}
	w.given = slices.Delete(w.given, i, i+1)
}

// extend acquires a lease again, as a writer does that has lost it.
func (w *walk) extend() {
	c := w.given[w.IntN(len(w.given))].change
	c.Rules.AllowLevelChange = w.IntN(2) == 0
	w.apply(c)
}

// step is one event that may happen while the writer knows all leases.
func (w *walk) step(n int, hand bool) {
	switch at := w.IntN(10); {
	case at == 0 && hand:
		w.editByHand()
	case at == 1:
		w.apply(access.Change{Op: access.OpReset, Lease: access.Lease{Holding: w.holding()}})
	case at <= 3:
		w.apply(access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: w.holding()}})
	case at <= 5 && len(w.given) > 0:
		w.release(w.IntN(len(w.given)))
	case at == 6 && len(w.given) > 0:
		w.extend()
	default:
		w.acquire(n)
	}
	if w.state.Known {
		w.requireNoneOfOurs("baseline", w.state.Baseline)
	}
}

// end releases all leases, in any order. Afterwards nothing of ours is left.
func (w *walk) end(hand bool) {
	for len(w.given) > 0 {
		if hand && w.IntN(4) == 0 {
			w.editByHand()
		}
		w.release(w.IntN(len(w.given)))
	}
	require.Empty(w, w.state.Leases, w.label)
	w.requireNoneOfOurs("baseline", w.state.Baseline)
	w.requireNoneOfOurs("list of the console", w.actual)
}

// Whatever happens, except for an approved permanent grant: no role that we gave becomes
// permanent, and no change of ours makes a release impossible.
func TestApply_NothingOfOursBecomesPermanent(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(2 * seeds) {
		hand := seed%2 == 0
		w := newWalk(t, seed, seen)
		for n := range 14 {
			w.step(n, hand)
		}
		w.end(hand)
	}
	for _, event := range []string{
		"acquire applied", "acquire noReturn", "release released", "release stillHeld", "release superseded",
		"release lastRole", "revoke removed", "revoke noReturn", "revoke alreadyAbsent", "reset applied",
		"reset notBaseline",
	} {
		require.Greater(t, seen[event], 50, "%s hardly ever happens: %v", event, seen)
	}
}

// The same where the writer is lost and a new one learns of each lease only when that ends: it
// takes leased roles for baseline until then.
func TestAdoptLease_NothingOfOursBecomesPermanent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2 * seeds) {
		hand := seed%2 == 0
		w := newWalk(t, seed, map[string]int{})
		for n := range 10 {
			w.step(n, hand)
		}
		w.state = access.OwnershipState{}
		if w.IntN(2) == 0 {
			w.state, _ = w.state.Absorb(w.actual) // it has read the console already
		}
		if len(w.given) > 0 && w.IntN(2) == 0 {
			w.extend()
		}
		w.end(hand)
	}
}
