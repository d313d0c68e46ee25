package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// Without a policy file the worker asks for the approval of one person other than the
// requester and the recipient, within 72 hours. A revoke needs none.
func TestBuiltInPolicy(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	s.extraEnv = append(s.extraEnv, "POLICY_FILE=")
	s.startWorker()
	run := s.startGrant("1", s.input("1h"))
	status := s.untilStatus(run, isAwaitingApproval)
	require.Equal(t, policy.BuiltIn().Hash(), status.Plan.Approval.Hash)
	require.Equal(t, []string{access.Anyone}, status.Approval.From)
	require.Equal(t, 1, status.Approval.Need)
	require.WithinDuration(t, status.StartedAt.Add(72*time.Hour), status.Approval.Until, time.Minute)
	for _, by := range []string{"bob@example.com", "ana@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.Error(t, err, by)
	}
	require.False(t, s.holdings().Holds(s.requested))
	got := s.starter("approve", run.GetID(), "--by", "eve@example.com", "--yes")
	require.Zero(t, got.code, got.stderr)
	s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	require.True(t, s.holdings().Holds(s.requested))
	require.Equal(t, wire.StateRevoked, s.revoke("2").State)
	require.False(t, s.holdings().Holds(s.requested))
}
