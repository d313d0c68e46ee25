package describe_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// An approver sees every scope; one line of a list says how many there are.
func TestPlan_SeveralScopes(t *testing.T) {
	t.Parallel()
	p := access.Plan{
		Op: access.OpGrant, Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Role: access.RoleRef{ID: "2", Name: "SOC"},
		Scopes: []access.ScopeRef{
			{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
			{Level: access.SiteLevel, ID: "8", Name: "Acme / Rome"},
			{Level: access.SiteLevel, ID: "6", Name: "Acme / Oslo"},
		},
	}
	p.Scope = p.Scopes[0]
	require.Contains(t, describe.Plan(p),
		"at site Acme / Berlin (9), site Acme / Rome (8), site Acme / Oslo (6), permanent")
	require.Contains(t, describe.ShortPlan(p), "Acme / Berlin and 2 more scopes")

	p.Before = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "2", ScopeID: "6"}}}
	p.After = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{
		{RoleID: "2", ScopeID: "9"}, {RoleID: "2", ScopeID: "8"}, {RoleID: "2", ScopeID: "6"},
	}}
	n := describe.NewNames(nil, &p)
	facts := map[string][]string{}
	for _, f := range describe.Details(n, p) {
		facts[f.Name] = f.Lines
	}
	require.Equal(t, []string{"SOC (2) at site Acme / Oslo (6)"}, facts["before"])
	require.Equal(t, []string{
		"SOC (2) at site Acme / Berlin (9)", "SOC (2) at site Acme / Rome (8)", "SOC (2) at site Acme / Oslo (6)",
	}, facts["after"])
	for want, shown := range map[string]access.Holdings{
		"SOC (2) present at 1 of 3 scopes, 1 role in total":  p.Before,
		"SOC (2) present at 3 of 3 scopes, 3 roles in total": p.After,
		"SOC (2) absent, 0 roles in total":                   {},
	} {
		require.Equal(t, want, describe.Read(n, access.Read{Holdings: shown}, &p))
	}
}

// Each scope has its outcome.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	p := access.Plan{Scopes: []access.ScopeRef{
		{Level: access.AccountLevel, ID: "1", Name: "Acme"}, {Level: access.AccountLevel, ID: "2", Name: "Globex"},
	}}
	p.Scope = p.Scopes[0]
	all := []access.ScopeOutcome{{ScopeID: "1", Outcome: access.Applied}, {ScopeID: "2", Outcome: access.AlreadyHeld}}
	require.Equal(t, []string{
		"account Acme (1): the role would be granted",
		"account Globex (2): no change: the console already shows the role",
	}, describe.Outcomes(describe.NewNames(nil, &p), p, all, describe.Expected))
	require.True(t, describe.Differ(all))
	require.False(t, describe.Differ(all[:1]))
	require.False(t, describe.Differ(nil))
}
