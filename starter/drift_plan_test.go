package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// drift --plan says what the worker would do about each assignment, and does nothing.
func TestDrift_Plan(t *testing.T) {
	drifted(t, host)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`groups: {owners: [carol@example.com]}
rules: [{name: all, autoApprove: true}]
drift:
  - name: rest
    when: scope.account == "10"
    action: adopt
  - name: reverts
    action: revert
    after: 2h
    approvals: [{need: 1, from: [owners]}]
`), 0o600))
	t.Setenv("POLICY_FILE", file)
	got := run(t, "drift", "--plan")
	require.Equal(t, exitFailed, got.code)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Contains(t, lines[0], "PLAN")
	require.Contains(t, lines[1], "release now")
	require.Contains(t, lines[2], `, rule "reverts": 1 approval from owners, within 72h`)
	require.NotContains(t, lines[2], "now")

	var answer struct {
		Drift []plannedDrift `json:"drift"`
	}
	require.NoError(t, json.Unmarshal([]byte(run(t, "drift", "--plan", "-o", "json").out), &answer))
	require.Len(t, answer.Drift, 2)
	require.Equal(t, "reverts", answer.Drift[1].Plan.Rule)
	require.Equal(t, 2*time.Hour, answer.Drift[1].Plan.At.Sub(answer.Drift[1].Since))
	require.Nil(t, plannedOf(t), "without --plan nothing is planned")
}

// plannedOf is the plan of the first row without --plan.
func plannedOf(t *testing.T) any {
	t.Helper()
	var answer struct {
		Drift []map[string]any `json:"drift"`
	}
	require.NoError(t, json.Unmarshal([]byte(run(t, "drift", "-o", "json").out), &answer))
	return answer.Drift[0]["plan"]
}
