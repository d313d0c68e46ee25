package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// world draws access, changes and hand edits from a seed.
type world struct{ *rand.Rand }

func newWorld(seed uint64) world { return world{rand.New(rand.NewPCG(seed, 7))} }

const seeds = 3000

func (w world) holding() access.Holding {
	level := []access.Level{
		access.SiteLevel, access.SiteLevel, access.SiteLevel, access.AccountLevel, access.Tenant,
	}[w.IntN(5)]
	h := access.Holding{Level: level, RoleID: fmt.Sprint(1 + w.IntN(4))}
	switch level {
	case access.SiteLevel:
		h.ScopeID = fmt.Sprint(100 + w.IntN(3))
	case access.AccountLevel:
		h.ScopeID = fmt.Sprint(100 + w.IntN(2)) // the id of a site too: only the level tells them apart
	default: // the tenant has no id
	}
	return h
}

func (w world) holdings() access.Holdings {
	first := w.holding()
	out := access.Holdings{Level: first.Level, Held: []access.HeldRole{{RoleID: first.RoleID, ScopeID: first.ScopeID}}}
	for range w.IntN(3) {
		h := w.holding()
		taken := slices.ContainsFunc(out.Held, func(x access.HeldRole) bool { return x.ScopeID == h.ScopeID })
		if h.Level == out.Level && !taken {
			out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
		}
	}
	return out.Normal()
}

func (w world) op() access.Op {
	return []access.Op{
		access.OpAcquire, access.OpAcquire, access.OpAcquire, access.OpRelease, access.OpRelease, access.OpGrant,
		access.OpRevoke, access.OpReset,
	}[w.IntN(8)]
}

func (w world) change(t access.OwnershipState, n int) access.Change {
	c := access.Change{
		Op: w.op(), Lease: access.Lease{ID: fmt.Sprint("g", n), Holding: w.holding()},
		Rules: access.Rules{AllowLevelChange: w.IntN(3) == 0},
	}
	c.Rules.BaselineApproved = w.IntN(2) == 0
	if c.Op == access.OpRelease && len(t.Leases) > 0 {
		c.Lease = t.Leases[w.IntN(len(t.Leases))]
	}
	return c
}

// randomChanges runs changes and, if hand is set, hand edits against a console that accepts
// every write. It calls each with every step.
func randomChanges(
	seed uint64, hand bool, each func(c access.Change, s access.Step, before access.OwnershipState),
) access.OwnershipState {
	w := newWorld(seed)
	actual := w.holdings()
	var known access.OwnershipState
	for n := range 12 {
		if hand && w.IntN(4) == 0 {
			actual = w.holdings()
		}
		c := w.change(known, n)
		step := known.Apply(c, actual)
		each(c, step, known)
		actual, known = step.After, step.Next
	}
	return known
}

// No step plans an empty list or a mixture of levels, and the state afterwards desires what
// the step planned.
func TestApply_PlansOnlyListsThatAConsoleAccepts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		randomChanges(seed, true, func(c access.Change, s access.Step, _ access.OwnershipState) {
			require.NotEmpty(t, s.After.Held, "seed %d: %+v", seed, c)
			seen := map[string]bool{}
			for _, h := range s.After.Held {
				require.Equal(t, s.After.Level == access.Tenant, h.ScopeID == "", "seed %d: %+v", seed, s.After)
				require.False(t, seen[h.ScopeID], "seed %d: two roles at one scope: %+v", seed, s.After)
				seen[h.ScopeID] = true
			}
			require.True(t, s.Next.Proven.Equal(s.After), "seed %d", seed)
			require.True(t, s.Next.Desired().Equal(s.After), "seed %d: %+v", seed, c)
		})
	}
}

// After a hand edit the state desires what the console shows, so the edit stands.
func TestAbsorb_AHandEditStands(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		known := randomChanges(seed, true, func(access.Change, access.Step, access.OwnershipState) {})
		w := newWorld(seed + seeds)
		actual := w.holdings()
		seen, drift := known.Absorb(actual)
		require.True(t, seen.Desired().Equal(actual), "seed %d", seed)
		require.Equal(t, actual.Equal(known.Proven), len(drift) == 0, "seed %d: %v", seed, drift)
	}
}

// A change touches only its own scope, unless a level changes.
func TestApply_LeavesOtherScopesAlone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		randomChanges(seed, true, func(c access.Change, s access.Step, before access.OwnershipState) {
			elsewhere := func(l access.Lease) bool { return l.Level != s.Before.Level }
			if s.LevelChange || c.Op == access.OpReset || slices.ContainsFunc(before.Leases, elsewhere) {
				return
			}
			for _, h := range append(slices.Clone(s.Before.Held), s.After.Held...) {
				if h.ScopeID == c.Lease.ScopeID && s.Before.Level == c.Lease.Level {
					continue
				}
				require.Contains(t, s.Before.Held, h, "seed %d: %+v", seed, c)
				require.Contains(t, s.After.Held, h, "seed %d: %+v", seed, c)
			}
		})
	}
}

// Without hand edits, releasing all leases in any order restores the access from before
// them.
func TestApply_ReleasingAllLeasesRestoresTheBaseline(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		w := newWorld(seed)
		start := w.holdings()
		actual := start
		var known access.OwnershipState
		for n := range 1 + w.IntN(5) {
			step := known.Apply(access.Change{
				Op: access.OpAcquire, Lease: access.Lease{ID: fmt.Sprint(n), Holding: w.holding()},
				Rules: access.Rules{AllowLevelChange: true},
			}, actual)
			require.Contains(t, []access.Outcome{access.Applied, access.AlreadyHeld}, step.Outcome)
			actual, known = step.After, step.Next
		}
		for len(known.Leases) > 0 {
			l := known.Leases[w.IntN(len(known.Leases))]
			step := known.Apply(access.Change{Op: access.OpRelease, Lease: l}, actual)
			require.Contains(t, []access.Outcome{access.Released, access.StillHeld}, step.Outcome, "seed %d", seed)
			actual, known = step.After, step.Next
		}
		require.True(t, actual.Equal(start), "seed %d: %+v became %+v", seed, start, actual)
	}
}

// The console shows the role of the latest live lease at each scope.
func TestApply_TheLatestLiveLeaseApplies(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		randomChanges(seed, false, func(_ access.Change, s access.Step, _ access.OwnershipState) {
			latest := map[access.Scope]access.Lease{}
			var level access.Level
			for _, l := range s.Next.Leases {
				if l.Lost {
					continue
				}
				if l.Level != level {
					latest, level = map[access.Scope]access.Lease{}, l.Level
				}
				latest[l.Scope()] = l
			}
			for _, l := range latest {
				require.True(t, s.After.Holds(l.Holding), "seed %d: %+v", seed, s.Next)
			}
		})
	}
}

// Landed tells the access after a write from the access before it, also when other scopes
// changed meanwhile.
func TestLanded_TellsBeforeFromAfter(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		randomChanges(seed, true, func(_ access.Change, s access.Step, _ access.OwnershipState) {
			require.True(t, s.Landed(s.After), "seed %d", seed)
			require.Equal(t, !s.Writes(), s.Landed(s.Before), "seed %d", seed)
			elsewhere := s.After
			elsewhere.Held = append(slices.Clone(elsewhere.Held), access.HeldRole{RoleID: "9", ScopeID: "999"})
			require.True(t, s.Landed(elsewhere), "seed %d", seed)
		})
	}
}
