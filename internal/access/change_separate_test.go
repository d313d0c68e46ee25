package access_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// apart makes role 2 and role 3 exclude each other in a change that grants one of them.
func apart(c access.Change, anywhere bool) access.Change {
	other := map[string]string{"2": "3", "3": "2"}[c.Lease.RoleID]
	if other != "" {
		c.Rules.Separate = []access.Separation{{RoleID: other, Name: "Other", Anywhere: anywhere, Reason: "four eyes"}}
	}
	return c
}

func apartAnywhere(c access.Change) access.Change { return apart(c, true) }

func TestApply_SeparationOfDuties(t *testing.T) {
	t.Parallel()
	grant := func(h access.Holding) access.Change {
		return access.Change{Op: access.OpGrant, Lease: access.Lease{Holding: h}}
	}
	account := access.Holding{Level: access.AccountLevel, RoleID: "3", ScopeID: "10"}
	moving := acquire("m", account)
	moving.Rules.AllowLevelChange = true
	for name, c := range map[string]struct {
		start   access.Holdings
		before  []access.Change
		last    access.Change
		refused bool
	}{
		"the other is held":             {sites("2", "100"), nil, apartAnywhere(grant(site("3", "101"))), true},
		"the other is held, for a time": {sites("2", "100"), nil, apartAnywhere(acquire("a", site("3", "101"))), true},
		"another is held":               {sites("1", "100"), nil, apartAnywhere(grant(site("3", "101"))), false},
		"the other is leased": {
			sites("1", "100"),
			[]access.Change{apartAnywhere(acquire("a", site("2", "101")))},
			apartAnywhere(acquire("b", site("3", "102"))), true,
		},
		"the other stands behind a lease": {
			sites("2", "100"),
			[]access.Change{acquire("a", site("4", "100"))},
			apartAnywhere(acquire("b", site("3", "101"))), true,
		},
		"a lease of the other stands behind one": {
			sites("1", "100"),
			[]access.Change{acquire("a", site("2", "101")), acquire("b", site("4", "101"))},
			apartAnywhere(acquire("c", site("3", "102"))), true,
		},
		"it takes the other's place": {sites("2", "100"), nil, apartAnywhere(acquire("a", site("3", "100"))), false},
		"the other would be back beside it": {
			sites("2", "100"),
			[]access.Change{acquire("a", site("3", "100"))},
			apartAnywhere(acquire("b", site("3", "101"))), true,
		},
		"the level change drops the other": {sites("2", "100"), nil, apartAnywhere(moving), false},
		"both are held already": {
			sites("2", "100", "3", "101"), nil, apartAnywhere(grant(site("3", "102"))), false,
		},
		"it is held already, and both are": {
			sites("2", "100", "3", "101"), nil, apartAnywhere(grant(site("3", "101"))), false,
		},
		"at one scope, elsewhere": {sites("2", "100"), nil, apart(grant(site("3", "101")), false), false},
	} {
		_, step := applyAll(c.start, append(slices.Clone(c.before), c.last)...)
		require.Equal(t, c.refused, step.Outcome == access.RolesConflict, "%s: %+v", name, step)
		require.Equal(t, c.refused, step.Refused(), name)
		if c.refused {
			require.False(t, step.Writes(), name)
			require.Len(t, step.Conflicts, 1, name)
			_, kept := step.Next.Lease(c.last.Lease.ID)
			require.False(t, kept, "%s: it is not leased", name)
		}
	}
	require.Equal(t, `separation of duties: role "Other" (2) and the requested role must not be held by one `+
		"principal: four eyes", apartAnywhere(grant(site("3", "1"))).Rules.Separate[0].String())
}

// A change that ends access or restores the baseline is applied even if it combines roles
// that separation of duties forbids.
func TestApply_SeparationNeverDelaysARemoval(t *testing.T) {
	t.Parallel()
	start := sites("2", "100")
	known, step := applyAll(start, acquire("a", site("4", "100")), acquire("b", site("3", "101")))
	back := known.Apply(apartAnywhere(release("a", site("4", "100"))), step.After)
	require.Equal(t, access.Released, back.Outcome)
	require.Equal(t, sites("2", "100", "3", "101"), back.After)
	for _, op := range []access.Op{access.OpRevoke, access.OpReset, access.OpDelete, access.OpRelease} {
		c := apartAnywhere(access.Change{Op: op, Lease: access.Lease{ID: "b", Holding: site("3", "101")}})
		require.NotEqual(t, access.RolesConflict, back.Next.Apply(c, back.After).Outcome, op)
	}
}

// In any order of changes without hand edits, two roles that exclude each other are never
// held together, and only grants are refused.
func TestApply_NeverBringsSeparateRolesTogether(t *testing.T) {
	t.Parallel()
	both := func(h access.Holdings) bool {
		has := func(role string) bool {
			return slices.ContainsFunc(h.Held, func(x access.HeldRole) bool { return x.RoleID == role })
		}
		return has("2") && has("3")
	}
	refused, given := 0, 0
	for seed := range uint64(seeds) {
		w := newWorld(seed)
		actual := w.holdings()
		if both(actual) {
			continue
		}
		var known access.OwnershipState
		for n := range 14 {
			c := apartAnywhere(w.change(known, n))
			step := known.Apply(c, actual)
			require.False(t, both(step.After), "seed %d: %+v makes %+v of %+v", seed, c, step.After, known)
			switch {
			case step.Outcome == access.RolesConflict:
				require.Contains(t, []access.Op{access.OpGrant, access.OpAcquire}, c.Op, "seed %d", seed)
				require.True(t, step.After.Equal(actual), "seed %d", seed)
				refused++
			case step.Outcome == access.Applied && len(c.Rules.Separate) > 0:
				given++
			}
			actual, known = step.After, step.Next
		}
	}
	require.Greater(t, refused, 500)
	require.Greater(t, given, 500)
}
