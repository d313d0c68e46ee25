package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// ruled is a stack whose worker follows a policy file that tests replace.
type policyEnv struct {
	*grantEnv

	file string
}

func newPolicyEnv(t *testing.T, text string) *policyEnv {
	t.Helper()
	return newPolicyEnvFrom(t, func(*grantEnv) string { return text })
}

// newRuledBy is the same with a policy that names ids.
func newPolicyEnvFrom(t *testing.T, text func(*grantEnv) string) *policyEnv {
	t.Helper()
	s := newStack(t, consoletest.Options{Seed: 31, Sites: 6, Users: -1})
	r := &policyEnv{file: filepath.Join(t.TempDir(), "policy.yaml"), grantEnv: prepareGrantEnv(t, s)}
	require.NoError(t, os.WriteFile(r.file, []byte(text(r.grantEnv)), 0o600))
	s.extraEnv = append(s.extraEnv, "POLICY_FILE="+r.file)
	r.startWorker()
	return r
}

// rule starts the worker anew with another policy.
func (r *policyEnv) replacePolicy(text string) {
	r.t.Helper()
	r.worker.Kill()
	require.NoError(r.t, os.WriteFile(r.file, []byte(text), 0o600))
	r.startWorker()
}

const (
	oneLeadPolicy = `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: one, permanent: true, approvals: [{need: 1, from: [leads]}]}]
`
	twoLeadsPolicy = `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: two, permanent: true, approvals: [{need: 2, from: [leads]}]}]
`
)

// A policy that changes changes no request that is under way, not even one that is
// planned anew.
func TestPolicy_ChangeLeavesRunningRequestsAlone(t *testing.T) {
	t.Parallel()
	s := newPolicyEnv(t, twoLeadsPolicy)
	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)

	s.replacePolicy(oneLeadPolicy)
	other := s.requested
	other.ScopeID = s.console.Truth().Sites[2].ID
	s.setRolesByHand(s.viewer, other)
	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	got := s.untilStatus(run, func(got wire.RequestStatus) bool {
		return isAwaitingApproval(got) && len(got.Plan.Before.Held) == 2
	})
	require.Equal(t, "two", got.Plan.Approval.Rule, "planned anew by the policy that it began with")
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

// Of two grants at once that nobody may hold together, each planned while neither is
// held, one is given and the other refused.
func TestPolicy_TwoConflictingGrantsAtOnce(t *testing.T) {
	t.Parallel()
	s := newPolicyEnv(t, `
rules: [{name: all, permanent: true, autoApprove: true}]
separationOfDuties: [{roles: [SOC, Admin], at: anywhere, reason: four eyes}]
`)
	truth := s.console.Truth()
	admin := access.Holding{
		Level: access.SiteLevel, RoleID: predefined(t, truth, "Admin").ID, ScopeID: truth.Sites[2].ID,
	}
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
