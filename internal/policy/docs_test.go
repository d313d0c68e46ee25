package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// yamlBlocks returns the YAML examples of docs/policy.md, in order; none if the page
// cannot be read.
func yamlBlocks() []string {
	page, _ := os.ReadFile("../../docs/policy.md")
	var out []string
	for _, part := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "```\n")
		out = append(out, text)
	}
	return out
}

// builtInBlock is the position of the built-in policy in [yamlBlocks]; the whole example
// comes before it.
const builtInBlock = 1

func TestDocs_BuiltIn(t *testing.T) {
	t.Parallel()
	require.Equal(t, policy.BuiltIn().Hash(), parse(t, yamlBlocks()[builtInBlock]).Hash())
}

// The whole example of the page decides what its comments say.
func TestDocs_Example(t *testing.T) {
	t.Parallel()
	p := parse(t, yamlBlocks()[0])

	in := socGrant(access.OpAcquire)
	result := evaluate(t, p, in)
	require.Equal(t, "default", result.Approval.Rule)
	require.Len(t, result.Approval.Steps, 2)

	in.Role = policy.Role{ID: "300", Name: "Viewer"}
	require.Equal(t, "viewers", evaluate(t, p, in).Approval.Rule)
	in.Role = policy.Role{ID: "301", Name: "Admin"}
	in.Scope = policy.Scope{Level: access.Tenant}
	require.Contains(t, evaluate(t, p, in).Refusal, "tenant admins are assigned by hand")

	in = socGrant(access.OpAcquire)
	in.BreakGlass, in.Requester = true, "ana@example.com"
	require.NotNil(t, evaluate(t, p, in).Approval.Review)
	require.Equal(t, "revokes", evaluate(t, p, socGrant(access.OpRevoke)).Approval.Rule)
}

// Every smaller example of the page is valid where it belongs: a rule among rules with
// the groups of the whole example, or a key of the file.
func TestDocs_Fragments(t *testing.T) {
	t.Parallel()
	blocks := yamlBlocks()
	groups, _, found := strings.Cut(blocks[0], "rules:")
	require.True(t, found)
	parsed := 0
	for _, block := range blocks[builtInBlock+1:] {
		text := block
		switch {
		case strings.HasPrefix(block, "- name:"):
			text = groups + "rules:\n" + block
		case strings.HasPrefix(block, "drift:"):
			text = groups + "rules: [{name: all, autoApprove: true}]\n" + block
		case !strings.HasPrefix(block, "rules:"):
			text = "rules: [{name: all, autoApprove: true}]\n" + block
		}
		parse(t, text)
		parsed++
	}
	require.Greater(t, parsed, 5)
}
