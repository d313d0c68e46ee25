package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// Escalation makes neither the requester eligible nor up for groups that are too small.
func TestEvaluate_Escalation(t *testing.T) {
	t.Parallel()
	q := socGrant(access.OpAcquire)
	q.Requester = "carol@example.com"
	got, err := parse(t, testGroups+`
  - {name: a, approvals: [{need: 1, from: [soc]}], escalateAfter: 1h, escalateTo: [owners]}
`).Evaluate(q)
	require.NoError(t, err)
	require.Equal(t, []string{"dora@example.com"}, got.Approval.EscalateTo)

	q.Requester = "ana@example.com"
	got, err = parse(t, testGroups+`
  - {name: a, approvals: [{need: 1, from: [solo]}], escalateAfter: 1h, escalateTo: [owners]}
`).Evaluate(q)
	require.NoError(t, err)
	require.Contains(t, got.Refusal, "not enough eligible approvers")
}
