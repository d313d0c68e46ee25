package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// Nobody gets a role by being offboarded to it that a grant would need consent for; what
// somebody holds already is left without anybody's.
func TestPlan_BaselineThatIsNotHeld(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	admin := wire.PlanInput{
		Op: access.OpReset, Principal: access.PrincipalSelector{Kind: d.who.Kind, ID: d.who.ID},
		Role: access.RoleSelector{Name: "Admin"}, Scope: access.ScopeSelector{Level: access.Tenant},
		Terms: access.Terms{Requester: "bob@example.com"},
	}
	held := admin
	held.Role = access.RoleSelector{ID: d.viewer.RoleID}
	held.Scope = access.ScopeSelector{Level: d.viewer.Level, ID: d.viewer.ScopeID}
	for i, c := range []struct {
		policy *policy.Policy
		want   string // of what is not held
	}{
		{policy.BuiltIn(), "would grant it, which needs an approval (1 approval from anyone"},
		{policyOfText(t, denies), "would grant it, and that is refused: "},
		{autoApprovePolicy(t), ""},
	} {
		d.followPolicy(c.policy)
		admin.Request.Run, held.Request.Run = "run", "run"
		admin.Request.ID, held.Request.ID = "offboard/admin"+string(rune('0'+i)), "offboard/held"+string(rune('0'+i))
		got := d.plan(admin).Plan.Refusal
		if c.want == "" {
			require.Empty(t, got)
		} else {
			require.Contains(t, got, c.want)
		}
		require.Empty(t, d.plan(held).Plan.Refusal)
	}
}
