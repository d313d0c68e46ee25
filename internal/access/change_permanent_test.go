package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func makePermanent(id string, h access.Holding) access.Change {
	return access.Change{Op: access.OpGrant, Lease: access.Lease{ID: id, Holding: h}}
}

// A permanent grant that replaces a lease leaves no lease, so a later release removes
// nothing.
func TestApply_LeaseBecomesPermanent(t *testing.T) {
	t.Parallel()
	h, start := site("2", "101"), sites("1", "100")
	known, step := applyAll(start, acquire("a", h), makePermanent("a", h))
	require.Equal(t, access.AlreadyHeld, step.Outcome)
	require.False(t, step.Writes())
	require.Empty(t, known.Leases)
	require.True(t, known.Baseline.Holds(h))
	_, step = applyAll(start, acquire("a", h), makePermanent("a", h), release("a", h))
	require.Equal(t, access.NotApplied, step.Outcome)
	require.True(t, step.After.Holds(h))
	_, step = applyAll(start, acquire("a", h), acquire("b", h), makePermanent("a", h), release("b", h))
	require.Equal(t, access.StillHeld, step.Outcome)
	require.True(t, step.After.Holds(h))
}

// A role that was removed meanwhile, by hand or by a revoke, does not come back.
func TestApply_LostLeaseDoesNotBecomePermanent(t *testing.T) {
	t.Parallel()
	h, start := site("2", "101"), sites("1", "100")
	known, _ := applyAll(start, acquire("a", h))
	step := known.Apply(makePermanent("a", h), start)
	require.Equal(t, access.Superseded, step.Outcome)
	require.Equal(t, start, step.After)
	require.Empty(t, step.Next.Leases)
	revoke := access.Change{Op: access.OpRevoke, Lease: access.Lease{ID: "x", Holding: h}}
	_, step = applyAll(start, acquire("a", h), revoke, makePermanent("a", h))
	require.Equal(t, access.Superseded, step.Outcome)
	require.Equal(t, start, step.After)
}

// Whatever happened before a lease becomes permanent, the state afterwards desires what the
// step planned.
func TestApply_PermanentAmongOtherLeases(t *testing.T) {
	t.Parallel()
	kept := 0
	for seed := range uint64(seeds) {
		known := randomChanges(seed, true, func(access.Change, access.Step, access.OwnershipState) {})
		for _, l := range known.Leases {
			step := known.Apply(access.Change{Op: access.OpGrant, Lease: l}, known.Proven)
			require.True(t, step.Next.Desired().Equal(step.After), "seed %d", seed)
			if step.Refused() {
				continue
			}
			_, leased := step.Next.Lease(l.ID)
			require.False(t, leased, "seed %d", seed)
			require.Equal(t, l.Lost, step.Outcome == access.Superseded, "seed %d", seed)
			if !l.Lost {
				require.True(t, step.After.Holds(l.Holding), "seed %d", seed)
				kept++
			}
		}
	}
	require.Positive(t, kept)
}
