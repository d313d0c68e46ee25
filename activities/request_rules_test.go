package activities

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// followRules is a policy that asks nobody, with more keys of its one rule.
func (d *grantFixture) followRules(keys string) {
	d.t.Helper()
	d.followPolicy(policyOfText(d.t,
		"rules: [{name: all, permanent: true, autoApprove: true, for: [grant, revoke], "+keys+"}]"))
}

// planned is what a plan's request asks of the writer.
func (d *grantFixture) planned(plan access.Plan, op access.Op) wire.WriteInput {
	in := d.change(op, lease("1", plan.Holding()))
	in.Change.Change.Rules = plan.Rules
	return in
}

// lastRoleInput asks for the end of the only role Ana holds.
func (d *grantFixture) lastRoleInput() wire.PlanInput {
	in := d.grantInput()
	in.Op, in.Role.ID, in.Scope.ID = access.OpRevoke, d.viewer.RoleID, d.viewer.ScopeID
	return in
}

// What the policy says of the last role is in the plan, in words too, and is what the
// writer does: with a revoke, and with the end of a grant.
func TestLastRole_FromThePolicyToTheConsole(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	downgrade := fmt.Sprintf("lastRole: {downgrade: {role: %q, level: site, scope: %q}}",
		d.admin.RoleID, d.viewerAtThirdSite().ScopeID)
	for keys, c := range map[string]struct {
		expected, released access.Outcome
		note               string
		left               access.Holdings
	}{
		"lastRole: delete": {access.Deleted, access.Deleted, "deletes the principal", access.Holdings{}.Normal()},
		"downgrade": {
			access.Removed, access.Released, "downgrade role replaces it", holdings(d.viewerAtThirdSite()),
		},
	} {
		if keys == "downgrade" {
			keys = downgrade
		}
		for _, op := range []access.Op{access.OpRevoke, access.OpRelease} {
			t.Run(keys[:14]+string(op), func(t *testing.T) {
				t.Parallel()
				d := newGrantFixture(t, consoletest.Options{})
				d.followRules(keys)
				in := d.lastRoleInput()
				want := c.expected
				if op == access.OpRelease {
					in, want = d.grantInput(), c.released
					in.Op, in.Terms.Duration = access.OpAcquire, access.Duration(time.Hour)
					d.editByHand(access.Holdings{Level: access.SiteLevel})
				}
				plan := d.plan(in).Plan
				require.Empty(t, plan.Refusal)
				if op == access.OpRevoke {
					require.Equal(t, c.expected, plan.Expected)
					require.Contains(t, fmt.Sprint(plan.Notes), c.note)
				} else {
					d.mustWrite(d.planned(plan, access.OpAcquire))
				}
				got := d.mustWrite(d.planned(plan, op))
				require.Equal(t, want, got.Proof.Outcome)
				require.Equal(t, c.left, d.held())
				last := got.Proof.Reads[len(got.Proof.Reads)-1]
				require.Equal(t, want == access.Deleted, last.Gone, "the proof is a read")
				require.Len(t, got.Proof.Writes, 1)
			})
		}
	}
}

// A role that the last one would be downgraded to, and the console does not have, is
// found out when it is planned, of grants too: at their end it would be too late.
func TestLastRole_DowngradeToNothing(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followRules(`lastRole: {downgrade: {role: "999", level: site, scope: "201"}}`)
	in := d.grantInput()
	require.Contains(t, d.refusal(in), `names role 999, which the console does not have: correct the policy`)
	in = d.lastRoleInput()
	in.Request.ID = "revoke/2"
	require.Contains(t, d.refusal(in), `names role 999`)
	d.followRules("lastRole: stop")
	in.Request.ID = "revoke/3"
	require.Contains(t, d.refusal(in), "it is the principal's last role")
}

// Whether a grant may move the principal to another level is the policy's to say, and
// the writer does what the plan has of it.
func TestLevelChange_FromThePolicyToTheConsole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule    string
		asked   bool
		refused string
	}{
		{"forbid", false, `rule "all" forbids moving a principal to another level`},
		{"forbid", true, `rule "all" forbids moving a principal to another level`},
		{"ask", false, "request it again with allowLevelChange"},
		{"ask", true, ""},
		{"allow", false, ""},
		{"allow", true, ""},
	} {
		t.Run(fmt.Sprint(c.rule, c.asked), func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			d.followRules("levelChange: " + c.rule)
			in := d.grantInput()
			in.Scope = access.ScopeSelector{Level: access.AccountLevel, ID: d.console.Truth().Accounts[0].ID}
			in.Terms.AllowLevelChange = c.asked
			if c.refused != "" {
				require.Contains(t, d.refusal(in), c.refused)
				// A writer that is asked all the same does nothing either.
				plan := d.plan(in).Plan
				got := d.mustWrite(d.planned(plan, access.OpGrant))
				require.Equal(t, access.Unauthorized, got.Proof.Outcome)
				require.Contains(t, got.Message, c.refused)
				require.Equal(t, holdings(d.viewer), d.held())
				return
			}
			plan := d.plan(in).Plan
			require.Contains(t, fmt.Sprint(plan.Notes), "moves the principal from site to account level")
			require.Equal(
				t,
				access.Applied,
				d.mustWrite(d.planned(plan, access.OpGrant)).Proof.Outcome,
			)
			require.Equal(t, access.AccountLevel, d.held().Level)
		})
	}
}
