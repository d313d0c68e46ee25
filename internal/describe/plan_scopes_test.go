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
			{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"}, {Level: access.SiteLevel, ID: "8", Name: "Acme / Rome"},
			{Level: access.SiteLevel, ID: "6", Name: "Acme / Oslo"},
		},
	}
	p.Scope = p.Scopes[0]
	require.Contains(t, describe.Plan(p), "at site Acme / Berlin (9), site Acme / Rome (8), site Acme / Oslo (6), permanent")
	require.Contains(t, describe.ShortPlan(p), "Acme / Berlin and 2 more scopes")
	require.Contains(t, describe.Request(p), "Acme / Berlin and 2 more scopes")
}
