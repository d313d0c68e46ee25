package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// changesAt is a policy that asks one lead before a time, and from then on two leads, and
// denies Admin.
func changesAt(at time.Time) string {
	from := at.UTC().Format(time.RFC3339)
	return fmt.Sprintf(`
groups: {leads: [carol@example.com, dave@example.com]}
rules:
  - {name: before, permanent: true, when: now < timestamp(%[1]q), approvals: [{need: 1, from: [leads]}]}
  - {name: no-admin, when: role.name == "Admin" && now >= timestamp(%[1]q), deny: not by night}
  - {name: after, permanent: true, approvals: [{need: 2, from: [leads]}]}
`, from)
}

// Conditions are judged when a grant starts, not only when it is requested: a deny refuses it
// then, and a rule that asks for more asks anew.
func TestPolicy_DecidedAgainAtTheStart(t *testing.T) {
	t.Parallel()
	changes := time.Now().Add(time.Minute) // the worker has started and planned by then
	s := newGrantEnvWithPolicy(t, changesAt(changes))
	scheduled := func(id string, h access.Holding) client.WorkflowRun {
		in := s.inputFor(s.user, h, "")
		in.StartAt = new(changes.Add(time.Second))
		run := s.startGrant(id, in)
		require.Equal(t, "before", s.untilStatus(run, isAwaitingApproval).Plan.Approval.Rule)
		_, err := s.decide(run, "approve", "carol@example.com")
		require.NoError(t, err)
		return run
	}
	denied := scheduled("/denied", s.world.AtSite("Admin", 2))
	more := scheduled("/more", s.requested)

	got := s.result(denied)
	require.Equal(t, wire.StateRefused, got.State, got.Message)
	require.Contains(t, got.Message, `rule "no-admin" denies it: not by night`)
	require.False(t, s.holdings().Holds(s.world.AtSite("Admin", 2)))

	asked := s.untilStatus(more, func(got wire.RequestStatus) bool {
		return isAwaitingApproval(got) && got.Plan.Approval.Rule == "after"
	})
	require.Equal(t, 2, asked.Plan.Approval.Steps[0].Need)
	require.False(t, s.holdings().Holds(s.requested))
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(more, "approve", by)
		require.NoError(t, err)
	}
	require.Equal(t, wire.StateGranted, s.result(more).State)
	require.True(t, s.holdings().Holds(s.requested))
}

// An offboarding asks whom the policy names before anything ends.
func TestPolicy_OffboardingAsks(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, "groups: {leads: [carol@example.com, dave@example.com]}\nrules:\n"+
		"  - {name: ends, for: [offboard], when: mode == \"delete\", approvals: [{need: 1, from: [leads]}]}\n")
	offboard := func(name string) client.WorkflowRun {
		return s.start(wire.OffboardID(t.Name()+name), wire.OffboardType, wire.OffboardInput{
			Principal: access.PrincipalSelector{Kind: s.user.Kind, ID: s.user.ID}, Mode: wire.ModeDelete,
			Requester: "bob@example.com", Reason: "INC-42",
		})
	}
	run := offboard("/asked")
	require.Equal(t, "ends", s.untilStatus(run, isAwaitingApproval).Plan.Approval.Rule)
	_, err := s.decide(run, "approve", "bob@example.com")
	require.ErrorContains(t, err, "requesters do not decide on their own requests")
	_, err = s.decide(run, "deny", "carol@example.com")
	require.NoError(t, err)
	require.Equal(t, wire.StateDenied, s.result(run).State)
	require.NotEmpty(t, s.holdings().Held)

	run = offboard("/approved")
	s.untilStatus(run, isAwaitingApproval)
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	require.Equal(t, wire.StateOffboarded, s.result(run).State)
	require.Empty(t, s.holdings().Held)
}
