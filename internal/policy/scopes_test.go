package policy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// perSite is a policy that decides by the site.
const perSite = `
groups: {leads: [carol@example.com], owners: [dora@example.com]}
separationOfDuties:
  - {roles: [SOC, Finance], at: anywhere, reason: pay}
rules:
  - {name: never, when: 'scope.name == "Acme / Vault"', deny: the vault is closed}
  - {name: prod, when: 'scope.name.startsWith("Prod")', permanent: true, approvals: [{need: 1, from: [owners]}]}
  - {name: rest, permanent: true, approvals: [{need: 1, from: [leads]}]}
`

// grantAt is a request for role SOC at those sites, whose ids are their numbers from 201.
func grantAt(names ...string) policy.Input {
	in := socGrant(access.OpAcquire)
	for i, name := range names {
		in.Scopes = append(in.Scopes, policy.Scope{
			Level: access.SiteLevel, ID: string(rune('1' + i)), Name: name, Account: "100",
		})
	}
	in.Scope = in.Scopes[0]
	in.RoleNames = map[string]string{"302": "SOC", "303": "Finance", "304": "Viewer"}
	return in
}

// A request for several scopes gets one decision: what each of them gets by itself. Where they
// differ, it is refused, and the message says where.
func TestEvaluate_SeveralScopes(t *testing.T) {
	t.Parallel()
	p := parse(t, perSite)
	alone := evaluate(t, p, grantAt("Acme / Berlin"))
	got := evaluate(t, p, grantAt("Acme / Berlin", "Acme / Rome", "Acme / Oslo"))
	require.Empty(t, got.Refusal)
	require.Equal(t, alone.Approval, got.Approval)
	require.Equal(t, alone.Rules, got.Rules)

	for name, c := range map[string]struct {
		sites []string
		want  string
	}{
		"denied at one": {[]string{"Acme / Berlin", "Acme / Vault"}, `rule "never" denies it: the vault is closed`},
		"denied first":  {[]string{"Acme / Vault", "Acme / Berlin"}, `rule "never" denies it: the vault is closed`},
		"other people": {
			[]string{"Acme / Berlin", "Acme / Rome", "Prod / One"},
			`the policy decides differently about site "Acme / Berlin" (1) (rule "rest") and ` +
				`site "Prod / One" (3) (rule "prod"): request them separately`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, evaluate(t, p, grantAt(c.sites...)).Refusal, c.want)
		})
	}
}

// Separation of duties refuses the whole request.
func TestEvaluate_SeveralScopesSeparate(t *testing.T) {
	t.Parallel()
	p := parse(t, perSite)
	for role, refused := range map[string]bool{"303": true, "304": false} {
		in := grantAt("Acme / Berlin", "Acme / Rome", "Acme / Oslo")
		in.Before = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: role, ScopeID: "9"}}}
		got := evaluate(t, p, in)
		require.Equal(t, refused, strings.Contains(got.Refusal, "separation of duties: "), got.Refusal)
	}
}
