package e2e

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// A change of the policy does not affect running requests, even if they are planned again.
func TestPolicy_ChangeLeavesRunningRequestsAlone(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, twoLeadsPolicy)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)

	s.restartWithPolicy(oneLeadPolicy)
	s.setRolesByHand(s.viewer, s.world.AtSite("Admin", 1))
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	got := s.untilStatus(run, isPlannedAgain)
	require.Equal(t, "two", got.Plan.Approval.Rule, "it is planned again by the policy that it began with")
	require.NotContains(t, strings.Join(got.Plan.Notes, " "), "policy")
	_, err = s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	end := s.result(run)
	require.Equal(t, wire.StateGranted, end.State, end.Message)
	require.Equal(t, "two", end.Receipt.Plan.Approval.Rule)
	s.requireReceipt(end)
	require.Len(t, end.Receipt.Decisions, 4)
	s.requireLedger()
}

// Two grants at once that conflict, each planned while the user holds neither role: one is
// applied and the other refused.
func TestPolicy_TwoConflictingGrantsAtOnce(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, `
rules: [{name: all, permanent: true, autoApprove: true}]
separationOfDuties: [{roles: [SOC, Admin], at: anywhere, reason: four eyes}]
`)
	admin := s.world.AtSite("Admin", 2)
	var both sync.WaitGroup
	runs := make([]client.WorkflowRun, 2)
	for i, in := range []wire.GrantInput{s.input(""), s.inputFor(s.user, admin, "1h")} {
		both.Go(func() { runs[i] = s.startGrant(string(rune('1'+i)), in) })
	}
	both.Wait()
	settled := func(got wire.RequestStatus) bool { return got.State == wire.StateActive || got.Result != nil }
	soc, adm := s.untilStatus(runs[0], settled), s.untilStatus(runs[1], settled)
	won := []bool{soc.State == wire.StateGranted, adm.State == wire.StateActive}
	require.ElementsMatch(t, []bool{true, false}, won, "%s and %s", soc.State, adm.State)
	require.Equal(t, []bool{s.holdings().Holds(s.requested), s.holdings().Holds(admin)}, won)
	loser, result := runs[0], soc.Result
	if won[0] {
		loser, result = runs[1], adm.Result
	} else {
		s.update(runs[1], wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	}
	require.Equal(t, wire.StateRefused, result.State)
	require.Contains(t, result.Message, "four eyes")
	require.Len(t, s.ledgerEntries(loser, ledger.KindReceipt), 1)
	require.Empty(t, s.ledgerEntries(loser, "write"), "nothing was sent for it")
}
