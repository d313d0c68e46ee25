package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// delegate runs a Delegate workflow and returns its result.
func (r *grantEnv) delegate(id string, in wire.DelegationInput) (out access.Delegation, err error) {
	run, err := r.client.ExecuteWorkflow(r.ctx(), client.StartWorkflowOptions{
		ID: wire.DelegateID(id), TaskQueue: r.queue,
	}, wire.DelegateType, in)
	require.NoError(r.t, err)
	err = run.Get(r.ctx(), &out)
	return out, err
}

// Erin is not an approver: she decides for Carol, and Frank for Dave. One delegation is
// made before the request, the other after it, and neither works once it is revoked.
func TestApproval_Delegated(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	const carol, dave, erin = "carol@example.com", "dave@example.com", "erin@example.com"
	first := s.startGrant("1", s.input(""))
	s.untilStatus(first, isAwaitingApproval)
	day := wire.DelegationInput{By: carol, To: erin, Duration: access.Duration(24 * time.Hour)}
	_, err := s.decide(first, "approve", erin)
	require.ErrorContains(t, err, "is not eligible to decide")
	_, err = s.delegate("1", day)
	require.NoError(t, err)
	_, err = s.decide(first, "deny", dave)
	require.NoError(t, err)
	require.Equal(t, wire.StateDenied, s.result(first).State)

	second := s.startGrant("2", s.input(""))
	s.untilStatus(second, isAwaitingApproval)
	got, err := s.decide(second, "approve", erin)
	require.NoError(t, err)
	require.Equal(t, carol, got.OnBehalfOf)
	_, err = s.decide(second, "approve", carol)
	require.ErrorContains(t, err, "erin@example.com has decided already for carol@example.com")
	_, err = s.delegate("2", wire.DelegationInput{By: dave, To: "frank@example.com", Duration: day.Duration})
	require.NoError(t, err)
	_, err = s.delegate("3", wire.DelegationInput{By: carol, To: erin, Until: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	_, err = s.decide(second, "approve", "frank@example.com")
	require.NoError(t, err)
	end := s.result(second)
	require.Equal(t, wire.StateGranted, end.State, end.Message)
	s.requireReceipt(end)
	require.Equal(t, carol, end.Receipt.Decisions[0].OnBehalfOf)
	require.Equal(t, wire.DelegateID("1"), end.Receipt.Decisions[0].Delegation.Request)
	require.Equal(t, wire.DelegateID("2"), end.Receipt.Decisions[1].Delegation.Request)

	_, err = s.delegate("4", wire.DelegationInput{By: carol, To: erin, Until: time.Now().Add(-time.Hour)})
	require.ErrorContains(t, err, "no delegation to end")
}
