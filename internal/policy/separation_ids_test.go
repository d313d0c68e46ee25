package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/policy"
)

// The plan records by id every role that excludes the requested one. A role that the console
// does not have is ignored, with a note.
func TestEvaluate_SeparationByID(t *testing.T) {
	t.Parallel()
	p := parse(t, `rules: [{name: a, autoApprove: true, for: [grant, revoke]}]
separationOfDuties:
  - {roles: [Approver, requester, "77", Auditor], at: anywhere, reason: four eyes}
  - {roles: [Viewer, Admin], at: anywhere, reason: not about it}
  - {roles: ["11", "2"], at: scope, reason: by id}
`)
	q := socGrant(access.OpAcquire)
	q.Role = policy.Role{ID: "11", Name: "Requester"}
	q.RoleNames = map[string]string{
		"10": "Approver", "12": "approver ", "11": "Requester", "77": "Seventy-seven", "2": "Two", "5": "Viewer",
	}
	a := evaluate(t, p, q)
	require.Empty(t, a.Refusal)
	require.Equal(t, []access.Separation{
		{RoleID: "10", Name: "Approver", Anywhere: true, Reason: "four eyes"},
		{RoleID: "12", Name: "approver ", Anywhere: true, Reason: "four eyes"},
		{RoleID: "77", Name: "Seventy-seven", Anywhere: true, Reason: "four eyes"},
		{RoleID: "2", Name: "Two", Reason: "by id"},
	}, a.Rules.Separate)
	require.Equal(t, []string{
		`separationOfDuties (line 3) names role "Auditor", which the console does not have: it is ignored`,
	}, a.Notes)

	q.Op = access.OpRevoke
	a = evaluate(t, p, q)
	require.Empty(t, a.Rules.Separate, "a revoke is never delayed")
	require.Empty(t, a.Notes)

	q.Op, q.RoleNames = access.OpGrant, nil
	a = evaluate(t, p, q)
	require.Equal(t, []access.Separation{
		{RoleID: "77", Anywhere: true, Reason: "four eyes"}, {RoleID: "2", Reason: "by id"},
	}, a.Rules.Separate, "names mean nothing where the console is not known")
	require.Empty(t, a.Notes)

	other := socGrant(access.OpAcquire)
	other.RoleNames = map[string]string{"302": "SOC"}
	require.Empty(t, evaluate(t, p, other).Rules.Separate, "the separation lists other roles")
}

// The store keeps the text of a policy and parses it again.
func TestText_ParsesToTheSamePolicy(t *testing.T) {
	t.Parallel()
	for _, p := range []*policy.Policy{policy.BuiltIn(), parse(t, sodPolicy)} {
		again, err := policy.Parse(p.Name(), p.Text())
		require.NoError(t, err)
		require.Equal(t, p.Hash(), again.Hash())
		require.Equal(t, p.String(), again.String())
		p.Text()[0] = 'x'
		require.Equal(t, again.Text(), p.Text(), "a caller cannot change it")
	}
}
