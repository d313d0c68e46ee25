package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// testGroups are the groups that most tests use; the first rule stands on line 6.
const testGroups = `groups:
  solo: [ana@example.com]
  soc: [ana@example.com, bob@example.com]
  owners: [carol@example.com, dora@example.com]
rules:
`

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(text))
	require.NoError(t, err)
	return p
}

// Each case of the file is a policy, with the start of each expected fault after "! ".
func TestParse_Faults(t *testing.T) {
	t.Parallel()
	cases, err := os.ReadFile("testdata/faults.txt")
	require.NoError(t, err)
	for block := range strings.SplitSeq(strings.TrimPrefix(string(cases), "=== "), "\n=== ") {
		name, rest, _ := strings.Cut(block, "\n")
		text, rest, found := strings.Cut("\n"+rest, "\n! ")
		require.True(t, found, name)
		want := strings.Split(strings.TrimRight(rest, "\n"), "\n! ")
		text = strings.Replace(strings.TrimPrefix(text+"\n", "\n"), "{people}\n", testGroups, 1)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.Parse("policy.yaml", []byte(text))
			require.Error(t, err)
			require.Len(t, policy.Faults(err), len(want), "%v", err)
			for _, w := range want {
				require.Contains(t, "\n"+err.Error(), "\n"+w)
			}
		})
	}
}

// Parse reports all faults, in the order of the file.
func TestParse_AllFaults(t *testing.T) {
	t.Parallel()
	_, err := policy.Parse("policy.yaml", []byte(`timezone: Mars
groups:
  soc: []
  owners: [carol]
rules:
  - name: a
    when: rol == 1
    approvals: [{need: 1, from: [sock]}]
    maxDuration: -1h
`))
	require.Error(t, err)
	lines := make([]int, 0, 6)
	for _, f := range policy.Faults(err) {
		lines = append(lines, f.Line)
	}
	require.Equal(t, []int{1, 3, 4, 7, 8, 9}, lines, "%v", err)
}

// Policies that look unusual but have no fault.
func TestParse_Accepts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"need 1 of one":     "  - {name: a, approvals: [{need: 1, from: [solo]}]}\n",
		"anyone":            "  - {name: a, approvals: [{need: 3, from: [anyone]}, {need: 1, from: [solo]}]}\n",
		"a rule per kind":   "  - {name: a, autoApprove: true}\n  - {name: b, for: [revoke], autoApprove: true}\n",
		"wider second rule": "  - {name: a, autoApprove: true}\n  - {name: b, for: [revoke, grant], autoApprove: true}",
		"may fail":          "  - {name: a, when: 'role.name.split(\"-\")[1] == \"x\"', autoApprove: true}\n",
		"not reasoned about": "  - {name: a, when: 'permanent && !permanent', autoApprove: true}\n" +
			"  - {name: b, when: permanent, autoApprove: true}\n" +
			"  - {name: c, when: '!permanent', autoApprove: true}\n  - {name: d, autoApprove: true}\n",
		"deny of one kind": "  - {name: a, autoApprove: true}\n  - {name: b, for: [revoke], deny: no}\n",
		"always true":      "  - {name: a, when: permanent || true, autoApprove: true}\n",
		"two denies":       "  - {name: a, deny: closed}\n  - {name: b, when: permanent, deny: no}\n",
		"deny last":        "  - {name: a, autoApprove: true}\n  - {name: b, when: permanent, deny: no}\n",
		"ids unquoted":     "  - {name: a, autoApprove: true, lastRole: {downgrade: {role: 3, level: tenant}}}",
		"no whole days":    "  - {name: a, when: 'weekday in [\"saturday\"] || hour < 8', autoApprove: true}\n",
		"alias": "  - {name: a, when: permanent, approvals: &one [{need: 1, from: [soc]}]}\n" +
			"  - {name: b, approvals: *one}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parse(t, testGroups+text)
		})
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.yaml")
	_, err := policy.Load(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Empty(t, policy.Faults(err))

	text := []byte("rules: [{name: all, autoApprove: true}]\n")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	p, err := policy.Load(path)
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	require.Equal(t, hex.EncodeToString(sum[:]), p.Hash())
	require.Equal(t, path, p.Name())

	require.NoError(t, os.WriteFile(path, []byte("rules: []\n"), 0o600))
	_, err = policy.Load(path)
	require.ErrorContains(t, err, path+":1: ")
}

func TestBuiltIn(t *testing.T) {
	t.Parallel()
	p := policy.BuiltIn()
	require.Len(t, p.Hash(), 64)
	q := socGrant("grant")
	q.Duration = 366 * day
	a := evaluate(t, p, q)
	require.Empty(t, a.Refusal)
	require.Equal(t, access.Approval{
		Required: true, Policy: `1 approval from anyone, within 72h (rule "built-in")`,
		Hash: p.Hash(), Rule: "built-in",
		Steps:        []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}},
		DecideWithin: 3 * day, MaxDuration: 366 * day,
	}, a.Approval)
	require.True(t, a.Approval.Steps[0].Anyone())
	require.Equal(t, access.Rules{LastRole: access.LastRoleStop}, a.Rules)

	q.Duration++
	require.Contains(t, evaluate(t, p, q).Refusal, "at most 8784h")
	q.Duration = 0
	require.Empty(t, evaluate(t, p, q).Refusal, "permanent grants are allowed")

	revoke := evaluate(t, p, socGrant("revoke"))
	require.Empty(t, revoke.Refusal)
	require.False(t, revoke.Approval.Required)
	require.Equal(t, "no approval required: no rule of the policy matches", revoke.Approval.Policy)
}

// Parse rejects a file that is too large, has too many rules, or a condition too complex.
func TestParse_Bounds(t *testing.T) {
	t.Parallel()
	_, err := policy.Parse("p", []byte(strings.Repeat("# padding\n", 200_000)))
	require.ErrorContains(t, err, "larger than 1 MiB")
	_, err = policy.Parse("p", []byte("rules:\n"+strings.Repeat("  - {name: a}\n", 501)))
	require.ErrorContains(t, err, "there are 501 rules")
	for _, condition := range []string{strings.Repeat("!", 9000) + "true", strings.Repeat("(", 2000)} {
		_, err = policy.Parse("p", []byte("rules: [{name: a, autoApprove: true, when: '"+condition+"'}]"))
		require.ErrorContains(t, err, "p:1")
	}
}
