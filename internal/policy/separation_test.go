package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

const sodPolicy = `rules: [{name: a, autoApprove: true}]
separationOfDuties:
  - {roles: [Approver, Requester, "77"], at: anywhere, reason: four eyes}
  - {roles: ["1", "2"], at: scope, reason: ids only}
`

// heldAt is roles held at account level: pairs of role id and account id.
func heldAt(pairs ...string) access.Holdings {
	out := access.Holdings{Level: access.AccountLevel}
	for i := 0; i < len(pairs); i += 2 {
		out.Held = append(out.Held, access.HeldRole{RoleID: pairs[i], ScopeID: pairs[i+1]})
	}
	return out.Normal()
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	p := parse(t, sodPolicy)
	names := map[string]string{
		"10": "Approver", "11": "requester ", "12": "Viewer", "77": "Seventy-seven", "1": "One", "2": "Two",
	}
	none := heldAt()
	cases := map[string]struct {
		before, after access.Holdings
		names         map[string]string
		want          []string // what each conflict says
	}{
		"nothing":          {none, none, names, nil},
		"one of them":      {none, heldAt("10", "100"), names, nil},
		"one of them, two": {none, heldAt("10", "100", "10", "101"), names, nil},
		"both, at different accounts": {
			none, heldAt("10", "100", "11", "101"), names,
			[]string{`separation of duties: role "Approver" (10) and role "requester " (11) ` +
				`must not be held by one principal: four eyes`},
		},
		"by id": {
			none, heldAt("10", "100", "77", "101"), names, []string{`role "Seventy-seven" (77)`},
		},
		"held before": {
			heldAt("10", "100", "11", "101"), heldAt("10", "100", "11", "101", "12", "102"), names, nil,
		},
		"held before, one removed": {
			heldAt("10", "100", "11", "101", "77", "102"), heldAt("10", "100", "77", "102"), names, nil,
		},
		"a third": {
			heldAt("10", "100", "11", "101"), heldAt("10", "100", "11", "101", "77", "102"), names, []string{"(77)"},
		},
		"at scope, elsewhere": {none, heldAt("1", "100", "2", "101"), names, nil},
		"at scope": {
			none, heldAt("1", "100", "2", "100"), names,
			[]string{`role "One" (1) and role "Two" (2) must not be held together at account 100: ids only`},
		},
		"at a second scope": {
			heldAt("1", "100", "2", "100"), heldAt("1", "100", "2", "100", "1", "101", "2", "101"), names,
			[]string{"account 101"},
		},
		"name unknown": {
			none, heldAt("10", "100", "12", "101"),
			map[string]string{"10": "Approver"},
			[]string{`role "Approver" (10) and role 12 (name unknown) must not be held by one principal`},
		},
		"ids need no names":             {none, heldAt("1", "100", "12", "100"), nil, nil},
		"no name known, no listed role": {none, heldAt("12", "100", "13", "101"), nil, nil},
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

// A grant that violates separation of duties is refused; a revoke never is.
func TestEvaluate_SeparationOfDuties(t *testing.T) {
	t.Parallel()
	p := parse(t, sodPolicy)
	q := socGrant(access.OpAcquire)
	q.Scope = policy.Scope{Level: access.AccountLevel, ID: "101"}
	q.Role = policy.Role{ID: "11", Name: "Requester"}
	q.RoleNames = map[string]string{"10": "Approver"}
	q = q.WithHoldings(heldAt("10", "100"))
	require.Contains(t, evaluate(t, p, q).Refusal, "four eyes")

	q.Op = access.OpRevoke
	require.Empty(t, evaluate(t, p, q).Refusal)

	apart := socGrant(access.OpAcquire)
	apart.AllowLevelChange = true
	apart.Role = policy.Role{ID: "11", Name: "Requester"}
	apart.RoleNames = map[string]string{"12": "Viewer"}
	require.Empty(t, evaluate(t, p, apart.WithHoldings(heldAt("12", "100"))).Refusal)
	apart.RoleNames = map[string]string{"10": "Approver"}
	require.Empty(t, evaluate(t, p, apart.WithHoldings(heldAt("10", "100"))).Refusal,
		"the level change removes the other role")
}
