package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

const driftPolicy = testGroups + `  - {name: all, autoApprove: true}
drift:
  - {name: robots, when: principal.kind == "serviceUser", action: report}
  - {name: viewers, when: role.name == "Viewer", action: adopt, kinds: [unexplained]}
  - name: tenant
    when: scope.level == "tenant"
    action: revert
    after: 2h
    approvals: [{need: 1, from: [soc]}]
    decideWithin: 8h
  - {name: rest, action: revert, after: 30m, lastRole: delete}
`

// heldBy is an assignment for drift rules.
func heldBy(kind access.Kind, role string, level access.Level) policy.Input {
	return policy.Input{
		Principal: access.PrincipalRef{Kind: kind, ID: "401", Email: "ana@example.com"},
		Role:      policy.Role{ID: "302", Name: role}, Scope: policy.Scope{Level: level, ID: "201"},
		Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
	}
}

// The first rule that matches applies, by kind of drift, principal, role and scope.
func TestDrift(t *testing.T) {
	t.Parallel()
	p := parse(t, driftPolicy)
	require.True(t, p.ActsOnDrift())
	require.False(t, policy.BuiltIn().ActsOnDrift())
	for name, c := range map[string]struct {
		kind string
		in   policy.Input
		want policy.DriftDecision
	}{
		"principal": {
			"unexplained", heldBy(access.ServiceUser, "SOC", access.SiteLevel),
			policy.DriftDecision{Action: policy.DriftReport, Rule: "robots"},
		},
		"role": {
			"unexplained", heldBy(access.User, "Viewer", access.Tenant),
			policy.DriftDecision{Action: policy.DriftAdopt, Rule: "viewers"},
		},
		"kind": {
			"unauthorized", heldBy(access.User, "Viewer", access.Tenant),
			policy.DriftDecision{Action: policy.DriftRevert, Rule: "tenant", After: 2 * time.Hour},
		},
		"rest": {
			"unauthorized", heldBy(access.User, "Viewer", access.SiteLevel),
			policy.DriftDecision{Action: policy.DriftRevert, Rule: "rest", After: 30 * time.Minute},
		},
		"overdue": {
			"overdue", heldBy(access.User, "Viewer", access.SiteLevel),
			policy.DriftDecision{Action: policy.DriftReport},
		},
	} {
		require.Equal(t, c.want, p.Drift(c.kind, c.in), name)
	}
	require.Equal(t, policy.DriftDecision{Action: policy.DriftReport},
		policy.BuiltIn().Drift("unexplained", heldBy(access.User, "SOC", access.SiteLevel)))
}

// A rule that adopts is about what people have given by hand. What was written without a request is adopted only by a
// rule that names it.
func TestDrift_AdoptsWhatItNames(t *testing.T) {
	t.Parallel()
	in := heldBy(access.User, "SOC", access.SiteLevel)
	p := parse(t, testGroups+`  - {name: all, autoApprove: true}
drift: [{name: all, action: adopt}]
`)
	require.Equal(t, policy.DriftAdopt, p.Drift("unexplained", in).Action)
	require.Equal(t, policy.DriftReport, p.Drift("unauthorized", in).Action)
	p = parse(t, testGroups+`  - {name: all, autoApprove: true}
drift: [{name: all, action: adopt, kinds: [unauthorized]}]
`)
	require.Equal(t, policy.DriftAdopt, p.Drift("unauthorized", in).Action)
}

// A condition that fails reverts nothing.
func TestDrift_ConditionFails(t *testing.T) {
	t.Parallel()
	p := parse(t, testGroups+`  - {name: all, autoApprove: true}
drift:
  - {name: bad, when: 'role.name.split("-")[1] == "x"', action: revert}
`)
	got := p.Drift("unexplained", heldBy(access.User, "SOC", access.SiteLevel))
	require.Equal(t, policy.DriftReport, got.Action)
	require.Contains(t, got.Why, `the condition of rule "bad" cannot be evaluated`)
}

// A revert needs the approvals of its rule, and nothing else.
func TestRevert(t *testing.T) {
	t.Parallel()
	p := parse(t, driftPolicy)
	got := p.Revert("tenant", heldBy(access.User, "Viewer", access.Tenant))
	require.Empty(t, got.Refusal)
	require.True(t, got.Approval.Required)
	require.Equal(t, []string{"bob@example.com"}, got.Approval.Steps[0].People, "the recipient does not decide")
	require.Equal(t, access.Duration(8*time.Hour), got.Approval.DecideWithin)
	require.Equal(t, p.Hash(), got.Approval.Hash)
	require.Equal(t, access.Rules{LastRole: access.LastRoleStop}, got.Rules)

	got = p.Revert("rest", heldBy(access.User, "SOC", access.SiteLevel))
	require.False(t, got.Approval.Required)
	require.Empty(t, got.Approval.Steps)
	require.Equal(t, access.LastRoleDelete, got.Rules.LastRole)

	for rule, why := range map[string]string{
		"tenant": "is not about this assignment", "viewers": "no drift rule", "none": "no drift rule",
	} {
		require.Contains(t, p.Revert(rule, heldBy(access.User, "SOC", access.SiteLevel)).Refusal, why, rule)
	}
}
