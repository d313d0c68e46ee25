package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
)

// Where nobody has named a policy, somebody is asked about each role that is given, and
// nobody about one that is taken away or about an account that ends.
func TestPlan_BuiltInPolicyUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	d.request = NewRequest(d.client, d.store)

	approval := d.plan(d.ask()).Plan.Approval
	require.True(t, approval.Required)
	one := access.ApprovalStep{Need: 1, Groups: []string{access.Anyone}, People: []string{}}
	require.Equal(t, []access.ApprovalStep{one}, approval.Steps)
	require.Equal(t, access.Duration(72*time.Hour), approval.DecideWithin)
	require.Equal(t, policy.BuiltIn().Hash(), approval.Hash)

	in := d.ask()
	in.Request.ID, in.Op = "revoke/1", access.OpRevoke
	approval = d.plan(in).Plan.Approval
	require.False(t, approval.Required)
	require.Equal(t, policy.BuiltIn().Hash(), approval.Hash)

	in = d.ask()
	in.Request.ID, in.Op = "offboard/1", access.OpDelete
	in.Role, in.Scope = access.RoleSelector{}, access.ScopeSelector{}
	require.Equal(t, access.NoApproval(), d.plan(in).Plan.Approval)
}
