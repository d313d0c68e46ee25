package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// Parse neither panics nor fails without a fault. A policy that it accepts can be evaluated,
// never makes the requester or the recipient an approver, and asks for no more when it is
// asked the same again.
func FuzzParse(f *testing.F) {
	for _, block := range yamlBlocks() {
		f.Add([]byte(block), "ana@example.com", true)
	}
	f.Add([]byte(sodPolicy), "ana@example.com", false)
	f.Add([]byte(testGroups+`  - {name: a, when: 'requester in groups["soc"]', approvals: [{need: 1, from: [soc]}]}`),
		"Ana@example.com", true)
	f.Add([]byte("rules: &r [{name: a, when: |\n  true\n, deny: *r}]"), "", false)
	f.Add([]byte(testGroups+"  - {name: a, for: [offboard, confirm, extend, createUser], when: 'mode == \"delete\"', "+
		"approvals: [{need: 1, from: [soc]}], approvalValidFor: 12h}"), "ana@example.com", false)
	f.Add([]byte("a: &a [*a]\nrules: *a"), "x", false)
	f.Fuzz(func(t *testing.T, data []byte, requester string, glass bool) {
		p, err := policy.Parse("policy.yaml", data)
		if err != nil {
			faults := policy.Faults(err)
			require.NotEmpty(t, faults)
			for _, fault := range faults {
				require.Positive(t, fault.Line)
				require.NotEmpty(t, fault.Text)
			}
			return
		}
		for _, kind := range kinds {
			q := asked(kind)
			q.Requester, q.BreakGlass = requester, glass
			requireEvaluates(t, p, q)
		}
	})
}

// requireEvaluates checks what holds for every policy and every request.
func requireEvaluates(t *testing.T, p *policy.Policy, q policy.Input) {
	t.Helper()
	a, err := p.Evaluate(q)
	if access.Fold(q.Requester) == "" && q.Op != policy.OpConfirm || q.BreakGlass && q.NewAccount {
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	again, err := p.DecideAgain(q, a.Approval, q.Now)
	require.NoError(t, err)
	want := map[bool]policy.AgainVerdict{true: covered, false: refused}[a.Refusal == ""]
	require.Equal(t, want, again.Verdict, again.Why)
	require.Equal(t, p.Hash(), a.Approval.Hash)
	if a.Refusal == "" && a.Approval.Required {
		require.NotEmpty(t, a.Approval.Steps)
	}
	for _, s := range a.Approval.Steps {
		require.NotContains(t, s.People, access.Fold(q.Requester))
		require.NotContains(t, s.People, access.Fold(q.Principal.Email))
		require.True(t, s.Anyone() || len(s.People) >= s.Need)
	}
}
