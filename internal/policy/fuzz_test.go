package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// Parse neither panics nor fails without a fault. A policy that it accepts can be evaluated,
// and never makes the requester or the recipient an approver.
func FuzzParse(f *testing.F) {
	for _, block := range yamlBlocks() {
		f.Add([]byte(block), "ana@example.com", true)
	}
	f.Add([]byte(sodPolicy), "ana@example.com", false)
	f.Add([]byte(testGroups+`  - {name: a, when: 'requester in groups["soc"]', approvals: [{need: 1, from: [soc]}]}`),
		"Ana@example.com", true)
	f.Add([]byte("rules: &r [{name: a, when: |\n  true\n, deny: *r}]"), "", false)
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
		for _, op := range []access.Op{access.OpGrant, access.OpRevoke} {
			q := socGrant(op)
			q.Requester, q.BreakGlass = requester, glass
			a, err := p.Evaluate(q)
			if access.Fold(requester) == "" {
				require.Error(t, err)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, p.Hash(), a.Approval.Hash)
			if a.Refusal == "" && a.Approval.Required {
				require.NotEmpty(t, a.Approval.Steps)
			}
			for _, s := range a.Approval.Steps {
				require.NotContains(t, s.People, access.Fold(requester))
				require.NotContains(t, s.People, access.Fold(q.Principal.Email))
				require.True(t, s.Anyone() || len(s.People) >= s.Need)
			}
		}
	})
}
