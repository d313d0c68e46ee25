package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// policy explain says what the drift rules do about access that no request explains.
//
//nolint:paralleltest // environ changes the environment
func TestPolicyExplain_Drift(t *testing.T) {
	environ(t, map[string]string{"POLICY_FILE": policyFile(t, `groups: {owners: [carol@example.com]}
rules: [{name: all, autoApprove: true}]
drift:
  - {name: viewers, kinds: [unexplained], when: role.name == "Viewer", action: adopt}
  - {name: tenant, when: scope.level == "tenant", action: report}
  - {name: rest, when: principal.kind == "user", action: revert, after: 2h, approvals: [{need: 1, from: [owners]}]}
`)})
	about := func(kind, who, role, level string) string {
		return `{"drift": "` + kind + `", "principal": {"kind": "` + who + `", "email": "ana@example.com"},
			"role": {"id": "302", "name": "` + role + `"}, "scope": {"level": "` + level + `"}}`
	}
	for request, want := range map[string]string{
		about("unexplained", "user", "Viewer", "site"):     `adopt (drift rule "viewers")`,
		about("unauthorized", "user", "Viewer", "site"):    `revert (drift rule "rest")`,
		about("unexplained", "user", "SOC", "tenant"):      `report (drift rule "tenant")`,
		about("unexplained", "serviceUser", "SOC", "site"): "report (no drift rule matches)",
	} {
		got := run(t, "policy", "explain", "--request", request)
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Contains(t, got.out, want)
	}
	got := run(t, "policy", "explain", "--request", about("unexplained", "user", "SOC", "site"))
	require.Contains(t, got.out, "2h from when it was first seen")
	require.Contains(t, got.out, "1 approval from owners: carol@example.com")
	require.Contains(t, got.out, "stop")

	got = run(t, "policy", "explain", "-o", "json", "--request", about("unexplained", "user", "SOC", "site"))
	answer := decode[driftExplainAnswer](t, got)
	require.Equal(t, "rest", answer.Rule)
	require.Equal(t, "2h", answer.After)
	require.Len(t, answer.Revert.Approval.Steps, 1)

	for request, want := range map[string]string{
		about("overdue", "user", "SOC", "site"): `drift is "overdue": write unexplained or unauthorized`,
		`{"drift": "unexplained"}`:              "drift needs principal.kind and scope.level",
	} {
		got := run(t, "policy", "explain", "--request", request)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.errOut, want)
	}
}
