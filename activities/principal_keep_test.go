package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// A writer that has lost what it knew keeps a role permanently that its lease granted, and does
// not give again what somebody has taken away.
func TestWrite_KeepsForGoodWithoutKnowingTheLease(t *testing.T) {
	t.Parallel()
	for name, byHand := range map[string]bool{"as it was": false, "taken away by hand": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			l := lease("1", d.soc)
			given := d.mustWrite(d.change(access.OpAcquire, l, access.OwnershipState{}))
			if byHand {
				d.editByHand(holdings(d.viewer))
			}
			in := d.change(access.OpGrant, l, access.OwnershipState{})
			in.Change.GrantProof = &given.Proof
			out := d.mustWrite(in)
			require.Empty(t, out.Next.Leases)
			if byHand {
				require.Equal(t, access.Superseded, out.Proof.Outcome)
				require.Equal(t, holdings(d.viewer), d.held())
				return
			}
			require.Equal(t, access.AlreadyHeld, out.Proof.Outcome)
			require.Equal(t, holdings(d.viewer, d.soc), d.held())
		})
	}
}

// Once it is released, nothing keeps it.
func TestWrite_TooLateToKeepForGood(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	l := lease("1", d.soc)
	known := d.mustWrite(d.change(access.OpAcquire, l, access.OwnershipState{})).Next
	known = d.mustWrite(d.change(access.OpRelease, l, known)).Next
	require.Equal(t, access.NotApplied, d.mustWrite(d.change(access.OpGrant, l, known)).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}
