package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// example is the first YAML block of the page.
func example(page string) string {
	_, rest, _ := strings.Cut(page, "```yaml\n")
	text, _, _ := strings.Cut(rest, "```\n")
	return text
}

// What the page says of workers without a file is what they follow.
func TestDocs_BuiltIn(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/policy.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## Without a file\n")
	require.True(t, found)
	require.Equal(t, policy.BuiltIn().Hash(), parse(t, example(section)).Hash())
}

// The example of the page is a policy, and does what the page says of it.
func TestDocs_Example(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/policy.md")
	require.NoError(t, err)
	p := parse(t, example(string(page)))

	q := ask(access.OpAcquire)
	a := decide(t, p, q)
	require.Equal(t, "default", a.Approval.Rule)
	require.Len(t, a.Approval.Steps, 2)

	q.Role = policy.Role{ID: "300", Name: "Viewer"}
	require.Equal(t, "viewers", decide(t, p, q).Approval.Rule)
	q.Role = policy.Role{ID: "301", Name: "Admin"}
	q.Scope = policy.Scope{Level: access.Tenant}
	require.Contains(t, decide(t, p, q).Refusal, "tenant admins are made by hand")

	q = ask(access.OpAcquire)
	q.BreakGlass, q.Requester = true, "ana@example.com"
	require.NotNil(t, decide(t, p, q).Approval.Review)
	require.Equal(t, "revokes", decide(t, p, ask(access.OpRevoke)).Approval.Rule)
}
