package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/wire"
)

// A lease that another one hides is terminated, and ends meanwhile. The end of the other one
// does not give its role back: nobody would release it.
func TestAttack_HiddenLeaseDoesNotComeBack(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	hidden := s.startGrant("/hidden", s.inputFor(s.user, s.world.SOC, "40s"))
	ends := *s.untilStatus(hidden, isActive).EndsAt
	hides := s.startGrant("/hides", s.inputFor(s.user, s.world.Admin, "50s"))
	require.True(t, s.untilStatus(hides, isActive).EndsAt.After(ends))
	require.True(t, s.holdings().Holds(s.world.Admin))
	require.NoError(t, s.client.TerminateWorkflow(s.ctx(), hidden.GetID(), "", "the adversary"))
	got := s.result(hides)
	require.Equal(t, wire.StateExpired, got.State, got.Message)
	require.False(t, s.holdings().Holds(s.world.Admin))
	for _, c := range s.console.Changes() {
		require.False(t, c.After.Holds(s.world.SOC) && c.At.After(ends), "it comes back after its end: %+v", c)
	}
	require.False(t, s.holdings().Holds(s.world.SOC))
	require.True(t, s.holdings().Holds(s.viewer))
}
