package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// Where nobody has named a policy, somebody is asked about each role that is given, and
// nobody about one that is taken away or about an account that ends.
func TestPlan_BuiltInPolicyUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.request = NewRequest(d.client, d.store)

	approval := d.plan(d.grantInput()).Plan.Approval
	require.True(t, approval.Required)
	one := access.ApprovalStep{Need: 1, Groups: []string{access.Anyone}, People: []string{}}
	require.Equal(t, []access.ApprovalStep{one}, approval.Steps)
	require.Equal(t, access.Duration(72*time.Hour), approval.DecideWithin)
	require.Equal(t, policy.BuiltIn().Hash(), approval.Hash)

	in := d.grantInput()
	in.Request.ID, in.Op = "revoke/1", access.OpRevoke
	approval = d.plan(in).Plan.Approval
	require.False(t, approval.Required)
	require.Equal(t, policy.BuiltIn().Hash(), approval.Hash)

	in = d.grantInput()
	in.Request.ID, in.Op = "offboard/1", access.OpDelete
	in.Role, in.Scope = access.RoleSelector{}, access.ScopeSelector{}
	require.Equal(t, access.Approval{
		Policy: "no approval required: no rule of the policy matches", Hash: policy.BuiltIn().Hash(),
	}, d.plan(in).Plan.Approval)
}

const (
	oneOfSoc = "groups: {soc: [carol@example.com, dora@example.com]}\n" +
		"rules: [{name: one, permanent: true, approvals: [{need: 1, from: [soc]}]}]\n"
	twoOfSoc = "groups: {soc: [carol@example.com, dora@example.com]}\n" +
		"rules: [{name: two, permanent: true, approvals: [{need: 2, from: [soc]}]}]\n"
	denies = "rules: [{name: no, deny: not any more}]\n"
)

func policyOfText(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(text))
	require.NoError(t, err)
	return p
}

// A worker that is given no policy follows the built-in one: an omission passes nobody over.
func TestFollowing_Nil(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followPolicy(nil)
	require.Equal(t, policy.BuiltIn().Hash(), d.plan(d.grantInput()).Plan.Approval.Hash)
}

// followPolicy makes the desk a worker of another policy, started anew.
func (d *grantFixture) followPolicy(p *policy.Policy) {
	d.request = NewRequest(d.client, d.store).Following(p)
	d.request.now = func() time.Time { return d.now }
}

// policyAgain asks for a plan of the next round, as after a change of the principal.
func policyAgain(in wire.PlanInput, before access.Plan) wire.PlanInput {
	in.Round++
	in.Policy = before.Approval.Hash
	return in
}

// A request that is planned anew follows the policy it began with, whatever the worker
// follows by then, also the built-in one.
func TestPlan_AnewByTheRecordedPolicy(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]*policy.Policy{
		"a file": policyOfText(t, oneOfSoc), "built in": policy.BuiltIn(),
	} {
		for worker, later := range map[string]*policy.Policy{
			"another policy": policyOfText(t, denies), "the built-in one": nil, "the same": first,
		} {
			t.Run(name+", then "+worker, func(t *testing.T) {
				t.Parallel()
				d := newGrantFixture(t, consoletest.Options{})
				d.followPolicy(first)
				in := d.grantInput()
				before := d.plan(in).Plan
				require.Equal(t, first.Hash(), before.Approval.Hash)
				d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
				d.followPolicy(later)
				for range 2 { // the second time from memory
					in = policyAgain(in, before)
					after := d.plan(in).Plan
					require.Equal(t, before.Approval, after.Approval)
					require.Empty(t, after.Notes)
					require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite()), after.Before)
					require.Equal(t, before.Hash, after.Hash, "the hash is of the effect, which is the same")
				}
			})
		}
	}
}

// Dry runs keep nothing.
func TestPlan_KeepsThePolicyWithTheRequest(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	p := policyOfText(t, oneOfSoc)
	d.followPolicy(p)
	in := d.grantInput()
	in.DryRun = true
	d.plan(in)
	_, _, err := d.store.PolicyOf(t.Context(), p.Hash())
	require.Error(t, err)
	in.DryRun = false
	d.plan(in)
	name, text, err := d.store.PolicyOf(t.Context(), p.Hash())
	require.NoError(t, err)
	require.Equal(t, "policy.yaml", name)
	require.Equal(t, oneOfSoc, string(text))
}
