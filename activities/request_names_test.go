package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// A name is found whether its accents are characters of their own, as macOS writes them, or not.
func TestPlan_AccentsOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	account, err := d.console.AddAccount(access.Account{Name: "K\u00f6ln"})
	require.NoError(t, err)
	site, err := d.console.AddSite(access.Site{Name: "M\u00fcnchen", AccountID: account})
	require.NoError(t, err)
	role, err := d.console.AddRole(access.Role{Name: "Wa\u0308chter"})
	require.NoError(t, err)
	in := d.grantInput()
	in.DryRun, in.Role = true, access.RoleSelector{Name: "W\u00e4chter"}
	for _, name := range []string{"Mu\u0308nchen", "M\u00fcnchen", "Ko\u0308ln / Mu\u0308nchen", " Mu\u0308nchen "} {
		in.Scope = access.ScopeSelector{Level: access.SiteLevel, Name: name}
		plan := d.plan(in).Plan
		require.Equal(t, site, plan.Scope.ID, "%+q", name)
		require.Equal(t, role, plan.Role.ID)
	}
}
