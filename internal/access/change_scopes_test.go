package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// acquireAt is a lease on a role at several sites.
func acquireAt(id, role string, scopes ...string) access.Change {
	return acquire(id, site(role, scopes[0])).WithScopes(planOfScopes(site(role, scopes[0]), scopes[1:]...))
}

// A change at several scopes is one step, with an outcome at each.
func TestApply_SeveralScopes(t *testing.T) {
	t.Parallel()
	start := sites("1", "100", "2", "101")
	c := acquireAt("a", "2", "100", "101", "102")
	require.Equal(t, []string{"a", "a+2", "a+3"}, []string{c.Leases()[0].ID, c.Leases()[1].ID, c.Leases()[2].ID})
	known, step := applyAll(start, c)
	require.Equal(t, start, step.Before)
	require.Equal(t, sites("2", "100", "2", "101", "2", "102"), step.After)
	require.Equal(t, access.Applied, step.Outcome)
	require.Equal(t, []access.ScopeOutcome{
		{ScopeID: "100", Outcome: access.Applied},
		{ScopeID: "101", Outcome: access.AlreadyHeld},
		{ScopeID: "102", Outcome: access.Applied},
	}, step.Scopes)
	require.Equal(t, []access.HeldRole{{RoleID: "1", ScopeID: "100"}}, step.Loses)
	require.Equal(t, access.Effect{
		Gains:    []access.Holding{site("2", "100"), site("2", "101"), site("2", "102")},
		Loses:    []access.Holding{site("1", "100")},
		Replaced: []access.Holding{site("1", "100")},
	}, access.EffectOf(step, c))

	// A hand edit at one scope ends the claim there, and nowhere else.
	edited := sites("2", "100", "2", "101", "4", "102")
	c.Op = access.OpRelease
	step = known.Apply(c, edited)
	require.Equal(t, access.Released, step.Outcome)
	require.Equal(t, []access.ScopeOutcome{
		{ScopeID: "100", Outcome: access.Released},
		{ScopeID: "101", Outcome: access.StillHeld},
		{ScopeID: "102", Outcome: access.Superseded},
	}, step.Scopes)
	require.Equal(t, sites("1", "100", "2", "101", "4", "102"), step.After)
	require.Empty(t, step.Next.Leases)
}

// A rule that forbids a change at one of its scopes forbids all of it.
func TestApply_SeveralScopesAreRefusedTogether(t *testing.T) {
	t.Parallel()
	start := sites("1", "100")
	c := acquireAt("a", "2", "101", "100")
	c.Rules.Separate = []access.Separation{{RoleID: "1", Name: "Viewer"}}
	_, step := applyAll(start, acquire("b", site("3", "100")), c)
	require.Equal(t, access.Applied, step.Outcome, "the role that it replaces is no conflict")

	c.Rules.Separate[0].Anywhere = true
	known, step := applyAll(sites("1", "100", "1", "102"), c)
	require.Equal(t, access.RolesConflict, step.Outcome)
	require.False(t, step.Writes())
	require.Empty(t, known.Leases)
	require.Empty(t, step.Scopes)
}

// What a request with one scope writes and hashes has not changed.
func TestPlan_OneScopeIsRecordedAsBefore(t *testing.T) {
	t.Parallel()
	p := access.Plan{Role: access.RoleRef{ID: "2"}, Scope: access.ScopeRef{Level: access.SiteLevel, ID: "100"}}
	c := acquire("a", p.Holding()).WithScopes(p)
	require.Equal(t, acquire("a", p.Holding()), c)
	_, step := applyAll(sites("1", "101"), c)
	require.Nil(t, step.Scopes)
	require.Equal(t, []access.Holding{p.Holding()}, p.Holdings())
	require.Equal(t, []access.ScopeRef{p.Scope}, p.AllScopes())
}

func TestRequestSpec_SeveralScopes(t *testing.T) {
	t.Parallel()
	p := planOfScopes(site("2", "100"), "101")
	p.Op, p.Principal = access.OpGrant, access.PrincipalRef{Kind: access.User, ID: "7"}
	spec := access.RequestSpec{
		Op: access.OpGrant, Principal: access.PrincipalSelector{Kind: access.User, ID: "7"},
		Role: access.RoleSelector{ID: "2"},
		Scopes: []access.ScopeSelector{
			{Level: access.SiteLevel, ID: "100"}, {Level: access.SiteLevel, ID: "101"},
		},
	}
	require.Empty(t, spec.Differences(p))
	for name, change := range map[string]func(s *access.RequestSpec, p *access.Plan){
		"one less":      func(_ *access.RequestSpec, p *access.Plan) { p.Scopes = p.Scopes[:1] },
		"none":          func(_ *access.RequestSpec, p *access.Plan) { p.Scopes = nil },
		"another":       func(_ *access.RequestSpec, p *access.Plan) { p.Scopes[1].ID = "102" },
		"another first": func(_ *access.RequestSpec, p *access.Plan) { p.Scope.ID = "102" },
		"not requested": func(s *access.RequestSpec, _ *access.Plan) { s.Scope, s.Scopes = s.Scopes[0], nil },
	} {
		other, of := p, spec
		other.Scopes = append([]access.ScopeRef{}, p.Scopes...)
		change(&of, &other)
		require.Equal(t, []string{"scope"}, of.Differences(other), name)
	}
}

func TestStep_Replace(t *testing.T) {
	t.Parallel()
	step := access.Step{Outcome: access.Released, Scopes: []access.ScopeOutcome{
		{ScopeID: "100", Outcome: access.NotApplied}, {ScopeID: "101", Outcome: access.Released},
	}}
	got := step.Replace(access.NotApplied, access.Superseded)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, []access.ScopeOutcome{
		{ScopeID: "100", Outcome: access.Superseded}, {ScopeID: "101", Outcome: access.Released},
	}, got.Scopes)
	require.Equal(t, access.NotApplied, step.Scopes[0].Outcome, "the step itself is as it was")
	one := access.Step{Outcome: access.NotApplied}.Replace(access.NotApplied, access.Superseded)
	require.Equal(t, access.Step{Outcome: access.Superseded}, one)
}
