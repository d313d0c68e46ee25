package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// The last role ends as the policy says: the revoke deletes the user, and the end of the
// grant downgrades it to one role.
func TestPolicy_LastRole(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	s.setPolicy(fmt.Sprintf(`
rules:
  - {name: revokes, for: [revoke], autoApprove: true, lastRole: delete}
  - {name: grants, autoApprove: true, lastRole: {downgrade: {role: %q, level: site, scope: %q}}}
`, s.viewer.RoleID, s.requested.ScopeID))
	s.startWorker()
	got := s.result(s.startRevoke("1", s.viewer))
	require.Equal(t, wire.StateRevoked, got.State, got.Message)
	require.Equal(t, access.Deleted, got.Outcome)
	require.Contains(t, got.Receipt.Plan.Notes, "deletes the principal")
	reads := got.Receipt.Proofs[0].Reads
	require.True(t, got.Receipt.Proofs[0].Confirmed, "read twice")
	require.True(t, reads[len(reads)-1].Gone)
	for _, p := range s.console.Truth().Principals {
		require.NotEqual(t, s.user.ID, p.ID)
	}
	s.requireReceipt(got)

	other := s.withUser("eve@example.com")
	require.NoError(t, s.console.SetUserRoles(other.user.ID, access.SiteLevel, nil))
	run := other.startGrant("2", other.input("1h"))
	other.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	other.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	got = other.result(run)
	require.Equal(t, access.Released, got.Outcome, got.Message)
	left := s.viewer
	left.ScopeID = s.requested.ScopeID
	require.True(t, other.holdings().Holds(left))
	require.Len(t, other.holdings().Held, 1)
	other.requireReceipt(got)
}
