package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// A request for several sites has one plan, one approval, one write and one receipt, with an
// outcome for each, and ends at all of them.
func TestGrant_SeveralScopes(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, oneLeadPolicy)
	before := s.holdings()
	in := s.input("1h")
	in.Scope = access.ScopeSelector{}
	for site := range 3 {
		in.Scopes = append(in.Scopes, access.ScopeSelector{
			Level: access.SiteLevel, ID: s.world.AtSite("SOC", site).ScopeID,
		})
	}
	run := s.startGrant("1", in)
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	got := s.untilStatus(run, isActive)
	require.Len(t, got.Plan.Scopes, 3)
	require.Len(t, got.Proofs[0].Scopes, 3)
	require.Len(t, s.roleWrites(), 1)
	for site := range 3 {
		require.True(t, s.holdings().Holds(s.world.AtSite("SOC", site)))
	}
	s.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	end := s.result(run)
	require.Equal(t, access.Released, end.Outcome, end.Message)
	require.Len(t, end.Receipt.Proofs, 2)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(end)
}
