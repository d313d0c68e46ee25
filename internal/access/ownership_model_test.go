package access_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// givenLease is a lease with the baseline that its proof names: what is left of it when its
// writer is lost.
type givenLease struct {
	lease  access.Lease
	before access.Holdings
}

// modelRun drives the state and its oracle with the same events.
type modelRun struct {
	*testing.T
	world

	label  string
	state  access.OwnershipState
	oracle oracle
	actual access.Holdings
	given  map[string]givenLease
	ids    []string // of given leases, oldest first
	seen   map[string]int
}

// The state agrees with a naive oracle after every event: changes, hand edits, and writers
// that are lost and adopt their leases again from the proofs.
func TestOwnershipState_AgreesWithTheOracle(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(seeds) {
		w := newWorld(seed)
		m := &modelRun{T: t, world: w, actual: w.holdings(), given: map[string]givenLease{}, seen: seen}
		for n := range 20 {
			m.label = fmt.Sprintf("seed %d, event %d", seed, n)
			switch w.IntN(12) {
			case 0:
				m.state, m.oracle = access.OwnershipState{}, oracle{}
				seen["lost writer"]++
			case 1, 2:
				m.editByHand()
			default:
				m.apply(m.nextChange(n))
			}
		}
	}
	for _, event := range []string{
		"lost writer", "adopted", "hand edit", "hand edit at another level", "baseline at another level",
		"applied", "alreadyHeld", "released", "stillHeld", "superseded", "notApplied", "removed",
		"alreadyAbsent", "lastRole", "levelChange", "notBaseline", "noReturn",
	} {
		require.Greater(t, seen[event], 100, "%s hardly ever happens: %v", event, seen)
	}
}

// editByHand replaces all roles, or one of them, or adds or removes one.
func (m *modelRun) editByHand() {
	edited := m.holdings()
	if scope := m.actual.Normal(); m.IntN(2) == 0 && len(scope.Held) > 0 {
		edited = scope
		i := m.IntN(len(edited.Held))
		switch {
		case m.IntN(3) > 0 || len(edited.Held) == 1:
			edited.Held[i].RoleID = fmt.Sprint(1 + m.IntN(4))
		default:
			edited.Held = append(edited.Held[:i:i], edited.Held[i+1:]...)
		}
	}
	if edited.Level != m.actual.Level {
		m.seen["hand edit at another level"]++
	}
	if len(m.actual.Held) > 0 && m.state.Known && m.state.Baseline.Level != edited.Level {
		m.seen["baseline at another level"]++
	}
	m.actual = edited
}

// nextChange prefers releases of leases that some writer gave, and sometimes makes one of
// them permanent.
func (m *modelRun) nextChange(n int) access.Change {
	c := m.change(m.state, n)
	if len(m.ids) > 0 && (c.Op == access.OpRelease || c.Op == access.OpGrant && m.IntN(2) == 0) {
		c.Lease = m.given[m.ids[m.IntN(len(m.ids))]].lease
	}
	return c
}

// apply does as the writer does: it adopts the lease of a lost writer first.
func (m *modelRun) apply(c access.Change) {
	if g, known := m.given[c.Lease.ID]; known {
		if _, leased := m.state.Lease(c.Lease.ID); !leased {
			m.state = m.state.AdoptLease(g.lease, g.before)
			m.oracle.adopt(g.lease, roleMapOf(g.before))
			if _, leased := m.state.Lease(c.Lease.ID); leased {
				m.seen["adopted"]++
			}
		}
	}
	known := m.state
	step := known.Apply(c, m.actual)
	outcome, edited := m.oracle.apply(c, roleMapOf(m.actual))
	m.agrees(c, step, outcome, edited)
	if c.Op == access.OpAcquire && !step.Refused() {
		m.given[c.Lease.ID] = givenLease{lease: c.Lease, before: step.Next.Baseline}
		m.ids = append(m.ids, c.Lease.ID)
	}
	m.state, m.actual = step.Next, step.After
	m.seen[string(outcome)]++
	if edited {
		m.seen["hand edit"]++
	}
}

func (m *modelRun) agrees(c access.Change, step access.Step, outcome access.Outcome, edited bool) {
	o := m.oracle
	require.Equal(m, outcome, step.Outcome, "%s: %+v on %+v", m.label, c, m.state)
	require.Equal(m, edited, len(step.Drift) > 0, "%s: drift %v", m.label, step.Drift)
	require.Equal(m, o.shown, roleMapOf(step.After), "%s: the roles after %+v", m.label, c)
	require.Equal(m, o.shown, roleMapOf(step.Next.Proven), "%s: the proven roles after %+v", m.label, c)
	require.Equal(m, o.baseline, roleMapOf(step.Next.Baseline), "%s: the baseline after %+v", m.label, c)
	require.Len(m, step.Next.Leases, len(o.leases), m.label)
	for i, l := range o.leases {
		require.Equal(m, l, step.Next.Leases[i], "%s: lease %d after %+v", m.label, i, c)
	}
}

// A new writer that adopts the leases of a lost one, newest first, restores what was there
// before all of them, without hand edits.
func TestAdoptLease_RestoresTheBaseline(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		w := newWorld(seed)
		start := w.holdings()
		actual, state := start, access.OwnershipState{}
		var given []givenLease
		for n := range 1 + w.IntN(4) {
			l := access.Lease{ID: fmt.Sprint(n), Holding: w.holding()}
			step := state.Apply(access.Change{Op: access.OpAcquire, Lease: l}, actual)
			if step.Refused() {
				continue
			}
			actual, state = step.After, step.Next
			given = append(given, givenLease{lease: l, before: step.Next.Baseline})
		}
		state = access.OwnershipState{}
		for len(given) > 0 {
			last := given[len(given)-1]
			given = given[:len(given)-1]
			if w.IntN(3) == 0 {
				state, _ = state.Absorb(actual) // the new writer has read the console already
			}
			state = state.AdoptLease(last.lease, last.before)
			step := state.Apply(access.Change{Op: access.OpRelease, Lease: last.lease}, actual)
			actual, state = step.After, step.Next
		}
		require.True(t, actual.Equal(start), "seed %d: %+v became %+v", seed, start, actual)
	}
}
