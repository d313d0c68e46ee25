package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// planOf asks for a plan of an operation on a role of the principal.
func (d *grantFixture) planOf(id string, op access.Op, h access.Holding) wire.PlanInput {
	in := d.grantInput()
	in.Request.ID, in.Op = id, op
	in.Role = access.RoleSelector{ID: h.RoleID}
	in.Scope = access.ScopeSelector{Level: h.Level, ID: h.ScopeID}
	if op == access.OpAcquire {
		in.Terms.Duration = access.Duration(time.Hour)
	}
	return in
}

// A plan knows from the ledger which roles are leased. They are no loss that approvers would
// approve, and another lease on the same role gains it.
func TestPlan_KnowsLeases(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.admin)))
	got := d.plan(d.planOf("grant/2", access.OpAcquire, d.soc)).Plan
	require.Equal(t, holdings(d.viewer, d.admin), got.Before)
	require.Equal(t, holdings(d.viewer, d.soc), got.After)
	require.Equal(t, &access.Effect{Gains: []access.Holding{d.soc}}, got.Effect)
	again := d.plan(d.planOf("grant/3", access.OpAcquire, d.admin)).Plan
	require.Equal(t, access.AlreadyHeld, again.Expected)
	require.Equal(t, &access.Effect{Gains: []access.Holding{d.admin}}, again.Effect)
}

// An offboarding to a role that only a lease holds would make that permanent: it is refused at
// once, like one to a role that the principal does not hold.
func TestPlan_BaselineThatIsOnlyLeased(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followPolicy(policy.BuiltIn())
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc)))
	refusal := d.plan(d.planOf("offboard/1", access.OpReset, d.soc)).Plan.Refusal
	require.Contains(t, refusal, "does not hold the baseline role permanently")
	require.Contains(t, refusal, "have it granted first")
	require.Empty(t, d.plan(d.planOf("offboard/2", access.OpReset, d.viewer)).Plan.Refusal)
}

// Nor does the write make it permanent, if it was planned all the same.
func TestWrite_ResetToALeasedRole(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	got := d.mustWrite(d.change(access.OpReset, access.Lease{ID: "offboard/1#run", Holding: d.soc}))
	require.Equal(t, access.NotBaseline, got.Proof.Outcome)
	require.Contains(t, got.Message, "have it granted first")
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
}

// A revoke of the role that a lease goes back to is refused while the lease lives, when it is
// planned and when it is written.
func TestRevoke_OfTheFallbackOfALease(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]func(d *grantFixture) access.Holding{
		"beside the role":   func(d *grantFixture) access.Holding { return d.soc },
		"replaced by it":    func(d *grantFixture) access.Holding { return atScopeOf(d.viewer, d.soc) },
		"at another level":  func(d *grantFixture) access.Holding { return atAccount(d) },
		"behind two leases": func(d *grantFixture) access.Holding { return d.soc },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			acquire := d.change(access.OpAcquire, lease("1", h(d)))
			acquire.Change.Change.Rules.AllowLevelChange = true
			d.mustWrite(acquire)
			if name == "behind two leases" {
				d.mustWrite(d.change(access.OpAcquire, lease("3", d.viewerAtThirdSite())))
			}
			before := d.held()
			refusal := d.plan(d.planOf("revoke/2", access.OpRevoke, d.viewer)).Plan.Refusal
			require.Contains(t, refusal, "it is the last role that is left when the grants in force end (grant/1")
			require.Contains(t, refusal, "`starter end`")
			d.mustRefuse(access.OpRevoke, access.Lease{ID: "revoke/2#run", Holding: d.viewer}, refusal)
			got := d.mustWrite(d.change(access.OpRevoke, access.Lease{ID: "revoke/3#run", Holding: d.viewer}))
			require.Equal(t, access.NoReturn, got.Proof.Outcome, "without a plan that says so too")
			require.Equal(t, refusal, got.Message)
			require.Equal(t, before, d.held())
		})
	}
}

// mustRefuse is a change whose plan is refused: a writer that is asked all the same does
// nothing either.
func (d *grantFixture) mustRefuse(op access.Op, l access.Lease, refusal string) {
	d.t.Helper()
	got := d.mustWrite(d.change(op, l))
	require.Equal(d.t, access.Unauthorized, got.Proof.Outcome)
	require.Contains(d.t, got.Message, refusal)
}

// atScopeOf is a role at the scope of another.
func atScopeOf(at, role access.Holding) access.Holding {
	at.RoleID = role.RoleID
	return at
}

func atAccount(d *grantFixture) access.Holding {
	return access.Holding{Level: access.AccountLevel, RoleID: d.soc.RoleID, ScopeID: d.console.Truth().Accounts[0].ID}
}

// A lease that would be the only access could not be released: it is refused, unless the
// policy's rule for the last role says what comes then.
func TestAcquire_OnlyAccess(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.editByHand(access.Holdings{Level: access.SiteLevel})
	refusal := d.plan(d.planOf("grant/1", access.OpAcquire, d.soc)).Plan.Refusal
	require.Contains(t, refusal, "no permanent role that is left when this grant ends")
	d.mustRefuse(access.OpAcquire, lease("1", d.soc), refusal)
	in := d.change(access.OpAcquire, lease("4", d.soc))
	got := d.mustWrite(in)
	require.Equal(t, access.NoReturn, got.Proof.Outcome)
	require.Equal(t, refusal, got.Message)
	require.Zero(t, d.puts())

	d.planAs = func(p *access.Plan) {
		p.Rules = access.Rules{LastRole: access.LastRoleDowngrade, Downgrade: &d.viewer}
	}
	in = d.change(access.OpAcquire, lease("2", d.soc))
	require.Equal(t, access.Applied, d.mustWrite(in).Proof.Outcome)
	require.Empty(t, d.plan(d.planOf("grant/3", access.OpGrant, d.soc)).Plan.Refusal,
		"a permanent role may be the only one")
}

// A release that a rule forbids does not pass by itself: people are told at once.
func TestNotify_OfAnImpossibleReleaseAtOnce(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	m := newNotifyFixture(t, d.store, d.who.Console)
	d.principal.Notifying(m.notify)
	leasedState(d)
	in := d.change(access.OpRelease, lease("1", d.soc))
	d.editByHand(holdings(d.soc))
	env := m.stage(&fakeAttemptInfo{desk: d})
	d.principal.Register(env)
	_, err := env.ExecuteActivity(wire.WriteActivity, in)
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
	e := m.onlyDelivery(wire.EventWaiting)
	got := m.send(e)
	require.Contains(t, got.Text, "Access that must end is still in force after 1 attempt, since ")
	require.Contains(t, got.Wait.Error, "`starter grant`")
}
