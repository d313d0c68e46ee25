package activities

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/wire"
)

// followPolicy makes the maker's worker one of another policy.
func (m *accountFixture) followPolicy(p *policy.Policy) {
	m.request = NewRequest(m.client, m.store).StoringTokens(tokensink.New(m.folder, "")).Following(p)
}

func (m *accountFixture) planned(in wire.PlanInput) wire.PlanResult {
	m.t.Helper()
	out, err := executeFor[wire.PlanResult](m, wire.PlanActivity, in)
	require.NoError(m.t, err)
	return out
}

// Where nobody has named a policy, somebody is asked about the role of a new account.
func TestPlanAccount_BuiltInPolicy(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	m.followPolicy(policy.BuiltIn())
	for _, who := range []access.NewAccount{m.newUser(), m.newServiceUser()} {
		out := m.planned(m.planInput(who))
		require.Nil(t, out.Receipt)
		a := out.Plan.Approval
		require.True(t, a.Required)
		one := access.ApprovalStep{Need: 1, Groups: []string{access.Anyone}, People: []string{}}
		require.Equal(t, []access.ApprovalStep{one}, a.Steps)
		require.Equal(t, access.Duration(72*time.Hour), a.DecideWithin)
		require.Equal(t, policy.BuiltIn().Hash(), a.Hash)
		require.Empty(t, out.Plan.Rules)
	}
}

// A policy sees a new account as a permanent grant of that role to somebody without an
// id, and who gets it has no say.
func TestPlanAccount_WhatThePolicySees(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	for kind, who := range map[string]access.NewAccount{"user": m.newUser(), "serviceUser": m.newServiceUser()} {
		sees := fmt.Sprintf(`newAccount && op == "grant" && permanent && duration == duration("0s") && `+
			`!levelChange && !breakGlass && principal.kind == %q && principal.id == "" && `+
			`principal.email == %q && principal.name == %q && `+
			`role.id == %q && role.name == "SOC" && role.predefined && scope.level == "site" && scope.id == %q && `+
			`scope.account == %q && requester == "bob@example.com"`,
			kind, who.Email, who.Name, m.role.ID, m.site.ID, m.site.AccountID)
		m.followPolicy(policyOfText(t, "groups: {soc: [ana@example.com, bob@example.com, carol@example.com]}\nrules:\n"+
			"  - {name: new, permanent: true, approvals: [{need: 1, from: [soc]}], when: '"+sees+"'}\n"))
		out := m.planned(m.planInput(who))
		require.Empty(t, out.Plan.Refusal)
		want := []string{"ana@example.com", "carol@example.com"}
		if kind == "user" {
			want = want[1:]
		}
		require.Equal(t, want, out.Plan.Approval.Steps[0].People)
	}
}

// A request that a policy refuses ends before any approval, with a receipt, and nothing is created.
func TestPlanAccount_RefusedByThePolicy(t *testing.T) {
	t.Parallel()
	for rules, why := range map[string]string{
		"{name: a, permanent: true, autoApprove: true}, {name: b, when: newAccount, deny: no new ones}": "no new ones",
		"{name: a, autoApprove: true}":                                       "allows no permanent grant",
		"{name: a, permanent: true, autoApprove: true, when: '!newAccount'}": "no rule of the policy allows it",
		"{name: a, for: [revoke], autoApprove: true}":                        "no rule of the policy allows it",
		"{name: a, permanent: true, approvals: [{need: 1, from: [x]}]}":      "not enough eligible approvers",
	} {
		m := newAccountFixture(t, consoletest.Options{})
		m.followPolicy(policyOfText(t, "{groups: {x: [bob@example.com]}, rules: ["+rules+"]}"))
		out := m.planned(m.planInput(m.newServiceUser()))
		require.Contains(t, out.Plan.Refusal, why)
		require.NotNil(t, out.Receipt)
		require.Equal(t, wire.StateRefused, out.Receipt.State)
		require.Contains(t, out.Receipt.Message, why)
		require.False(t, out.Plan.Approval.Required)
	}
}

// A user who holds the role already is asked about all the same: by the time it is made
// it may be gone. What cannot be made is refused before anybody is asked.
func TestPlanAccount_ThereAlready(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	m.createUntilDone(m.input(m.newUser()))
	_, err := m.console.AddServiceUser(access.Principal{Name: m.newServiceUser().Name})
	require.NoError(t, err)
	m.followPolicy(policyOfText(t, "rules: [{name: new, permanent: true, when: 'newAccount && principal.id == \"\"', "+
		"approvals: [{need: 1, from: [anyone]}]}]"))
	out := m.planned(m.planInput(m.newUser()))
	require.Empty(t, out.Plan.Refusal)
	require.Equal(t, access.AlreadyHeld, out.Plan.Expected)
	require.True(t, out.Plan.Approval.Required)

	out = m.planned(m.planInput(m.newServiceUser()))
	require.Contains(t, out.Plan.Refusal, "a service user of that name exists already")
	require.NotNil(t, out.Receipt)
}

// The policy is kept with the request: planned again, it follows the policy it began with.
func TestPlanAccount_KeepsItsPolicy(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	one, two := policyOfText(t, oneOfSoc), policyOfText(t, twoOfSoc)
	m.followPolicy(one)
	in := m.planInput(m.newUser())
	before := m.planned(in).Plan
	require.Equal(t, "one", before.Approval.Rule)
	_, _, err := m.store.PolicyOf(t.Context(), one.Hash())
	require.NoError(t, err)
	m.followPolicy(two)
	again := m.planned(policyAgain(in, before)).Plan
	require.Equal(t, "one", again.Approval.Rule)
	require.Equal(t, "ana@example.com", again.Account.Email)
}
