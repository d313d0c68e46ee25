package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

const duties = `rules: [{name: a, autoApprove: true}]
separationOfDuties:
  - {roles: [Approver, Requester, "77"], at: anywhere, reason: four eyes}
  - {roles: ["1", "2"], at: scope, reason: ids only}
`

// at is what is held at account level: pairs of role and scope.
func at(pairs ...string) access.Holdings {
	out := access.Holdings{Level: access.AccountLevel}
	for i := 0; i < len(pairs); i += 2 {
		out.Held = append(out.Held, access.HeldRole{RoleID: pairs[i], ScopeID: pairs[i+1]})
	}
	return out.Normal()
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	p := parse(t, duties)
	names := map[string]string{
		"10": "Approver", "11": "requester ", "12": "Viewer", "77": "Seventy-seven", "1": "One", "2": "Two",
	}
	none := at()
	cases := map[string]struct {
		before, after access.Holdings
		names         map[string]string
		want          []string // what each conflict says
	}{
		"nothing":          {none, none, names, nil},
		"one of them":      {none, at("10", "100"), names, nil},
		"one of them, two": {none, at("10", "100", "10", "101"), names, nil},
		"both, apart": {
			none, at("10", "100", "11", "101"), names,
			[]string{`separation of duties: role "Approver" (10) and role "requester " (11) ` +
				`must not be held by one principal: four eyes`},
		},
		"by id":              {none, at("10", "100", "77", "101"), names, []string{`role "Seventy-seven" (77)`}},
		"held before":        {at("10", "100", "11", "101"), at("10", "100", "11", "101", "12", "102"), names, nil},
		"held before, fewer": {at("10", "100", "11", "101", "77", "102"), at("10", "100", "77", "102"), names, nil},
		"a third": {
			at("10", "100", "11", "101"), at("10", "100", "11", "101", "77", "102"), names, []string{"(77)"},
		},
		"at scope, elsewhere": {none, at("1", "100", "2", "101"), names, nil},
		"at scope": {
			none, at("1", "100", "2", "100"), names,
			[]string{`role "One" (1) and role "Two" (2) must not be held together at account 100: ids only`},
		},
		"at a second scope": {
			at("1", "100", "2", "100"), at("1", "100", "2", "100", "1", "101", "2", "101"), names,
			[]string{"account 101"},
		},
		"name not known": {
			none, at("10", "100", "12", "101"),
			map[string]string{"10": "Approver"},
			[]string{`role "Approver" (10) and role 12 (name unknown) must not be held by one principal`},
		},
		"names matter not for ids":     {none, at("1", "100", "12", "100"), nil, nil},
		"no name known, no role of it": {none, at("12", "100", "13", "101"), nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := p.Conflicts(c.before, c.after, c.names)
			require.Len(t, got, len(c.want), "%v", got)
			for i, want := range c.want {
				require.Contains(t, got[i], want)
			}
		})
	}
}

// A grant that brings duties together is refused; a revoke never is.
func TestDecide_SeparationOfDuties(t *testing.T) {
	t.Parallel()
	p := parse(t, duties)
	q := ask(access.OpAcquire)
	q.Scope = policy.Scope{Level: access.AccountLevel, ID: "101"}
	q.Role = policy.Role{ID: "11", Name: "Requester"}
	q.RoleNames = map[string]string{"10": "Approver"}
	q = q.WithHoldings(at("10", "100"))
	require.Contains(t, decide(t, p, q).Refusal, "four eyes")

	q.Op = access.OpRevoke
	require.Empty(t, decide(t, p, q).Refusal)

	apart := ask(access.OpAcquire)
	apart.AllowLevelChange = true
	apart.Role = policy.Role{ID: "11", Name: "Requester"}
	apart.RoleNames = map[string]string{"12": "Viewer"}
	require.Empty(t, decide(t, p, apart.WithHoldings(at("12", "100"))).Refusal)
	apart.RoleNames = map[string]string{"10": "Approver"}
	require.Empty(t, decide(t, p, apart.WithHoldings(at("10", "100"))).Refusal, "the level change takes the other away")
}
