package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// An offboarding that leaves a role which only a grant with an end holds would make that role
// permanent without approval: it is refused at once, and the role ends with its grant.
func TestOffboard_ToALeasedRoleIsRefused(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, oneLeadPolicy)
	before := s.holdings()
	run := s.startGrant("1", s.input("1h"))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	s.untilStatus(run, isActive)
	in := s.input("")
	got := s.result(s.start(wire.OffboardID(t.Name()), wire.OffboardType, wire.OffboardInput{
		Principal: in.Principal, Mode: wire.ModeBaseline, Requester: in.Requester,
		Baseline: &wire.Baseline{Role: in.Role, Scope: in.Scope},
	}))
	require.Equal(t, wire.StateRefused, got.State)
	require.Contains(t, got.Message, "have it granted first")
	s.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	require.Equal(t, access.Released, s.result(run).Outcome)
	require.Equal(t, before, s.holdings())
}

// A revoke of the role that a grant with an end goes back to is refused while that is in force:
// the grant could not end, since a console accepts no empty list.
func TestRevoke_OfTheFallbackIsRefused(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	before := s.holdings()
	run := s.startGrant("1", s.input("1h"))
	s.untilStatus(run, isActive)
	got := s.result(s.startRevoke("2", s.viewer))
	require.Equal(t, wire.StateRefused, got.State)
	require.Contains(t, got.Message, run.GetID())
	s.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	require.Equal(t, access.Released, s.result(run).Outcome)
	require.Equal(t, before, s.holdings())
}

func isActive(got wire.RequestStatus) bool { return got.State == wire.StateActive }
