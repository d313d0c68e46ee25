package activities

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

const apartRoles = `rules: [{name: all, permanent: true, autoApprove: true, levelChange: allow}]
separationOfDuties: [{roles: [SOC, Admin, Auditors], at: anywhere, reason: four eyes}]
`

const apartText = "must not be held by one principal: four eyes"

// The plan has the roles that exclude the one asked for by id, and says which of the
// policy's the console does not have. What is held already refuses it at once.
func TestPlan_SeparationOfDuties(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followPolicy(policyOfText(t, apartRoles))
	plan := d.plan(d.grantInput()).Plan
	require.Empty(t, plan.Refusal)
	require.Equal(t, []access.Separation{
		{RoleID: d.admin.RoleID, Name: "Admin", Anywhere: true, Reason: "four eyes"},
	}, plan.Rules.Separate)
	require.Equal(t, []string{
		`separationOfDuties (line 2) names role "Auditors", which the console does not have: it is ignored`,
	}, plan.Notes)

	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	in := d.grantInput()
	in.Request.ID = "grant/2"
	said := d.refusal(in)
	require.Contains(t, said, fmt.Sprintf(`role "Admin" (%s)`, d.admin.RoleID))
	require.Contains(t, said, fmt.Sprintf(`role "SOC" (%s)`, d.soc.RoleID), "both are named")

	in.Request.ID, in.Op = "revoke/3", access.OpRevoke
	d.editByHand(holdings(d.soc, d.viewerAtThirdSite()))
	require.Empty(t, d.plan(in).Plan.Refusal, "taking one away is what is wanted")
}

// withSoD is a change by whose plan the role must not come beside another one.
func (d *grantFixture) withSoD(op access.Op, l access.Lease, role string) wire.WriteInput {
	d.t.Helper()
	d.planAs = func(p *access.Plan) {
		p.Rules.Separate = []access.Separation{{RoleID: role, Name: "Other", Anywhere: true, Reason: "four eyes"}}
	}
	defer func() { d.planAs = nil }()
	return d.change(op, l)
}

// Of two that exclude each other the one writer gives the first and refuses the second,
// whether the first is there by a lease, permanently or by hand.
func TestWrite_SeparationOfDuties(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*grantFixture){
		"by a lease": func(d *grantFixture) {
			d.mustWrite(d.withSoD(access.OpAcquire, lease("1", d.soc), d.admin.RoleID))
		},
		"permanently": func(d *grantFixture) {
			d.mustWrite(d.withSoD(access.OpGrant, lease("1", d.soc), d.admin.RoleID))
		},
		"by hand": func(d *grantFixture) { grantedState(d) },
	} {
		for _, op := range []access.Op{access.OpGrant, access.OpAcquire} {
			t.Run(name+", then "+string(op), func(t *testing.T) {
				t.Parallel()
				d := newGrantFixture(t, consoletest.Options{})
				first(d)
				puts := d.puts()
				got := d.mustWrite(d.withSoD(op, lease("2", d.viewerAtThirdSite()), d.soc.RoleID))
				require.Equal(t, access.RolesConflict, got.Proof.Outcome)
				require.Contains(t, got.Message, apartText)
				require.True(t, wire.ChangeAnswer{Proof: got.Proof}.Refused())
				require.Equal(t, holdings(d.viewer, d.soc), d.held())
				require.Equal(t, puts, d.puts(), "nothing is sent")
				_, leased := got.Next.Lease(lease("2", d.viewerAtThirdSite()).ID)
				require.False(t, leased)
			})
		}
	}
}

// A release is carried through whatever comes together by it.
func TestRelease_SeparationHoldsNothingUp(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	d.editByHand(holdings(d.viewer, d.soc, d.viewerAtThirdSite()))
	got := d.mustWrite(d.withSoD(access.OpRelease, lease("1", d.soc), d.admin.RoleID))
	require.Equal(t, access.Released, got.Proof.Outcome)
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite()), d.held())
}

// An acquisition that was stopped after it had reached the console is taken in, and not
// forgotten because something it excludes has come since.
func TestRelease_TakesAStoppedOneInDespiteSeparation(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.withSoD(access.OpAcquire, lease("1", d.soc), d.admin.RoleID)
	d.dieAt(in, "before the proof")
	d.editByHand(holdings(d.viewer, d.soc, d.viewerAtThirdSite()))
	d.now = d.now.Add(time.Minute)
	holdings(d.viewer, d.viewerAtThirdSite())
	release := d.change(
		access.OpRevoke,
		lease("9", d.viewer))
	release.Preempted = []wire.ChangeRequest{in.Change}
	_, known := d.mustWrite(release).Next.Lease(in.Change.Change.Lease.ID)
	require.True(t, known)
}

// decideInput is Carol's word on SOC for Ana, which must not come beside Admin.
func (d *grantFixture) decideInput(number int, action string) wire.DecideInput {
	plan := access.Plan{
		Op: access.OpGrant, Principal: access.PrincipalRef{Kind: d.who.Kind, ID: d.who.ID},
		Role: access.RoleRef{ID: d.soc.RoleID}, Scope: access.ScopeRef{Level: d.soc.Level, ID: d.soc.ScopeID},
		Rules: access.Rules{Separate: []access.Separation{
			{RoleID: d.admin.RoleID, Name: "Admin", Anywhere: true, Reason: "four eyes"},
		}},
	}
	return wire.DecideInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run"}, Number: number, SoD: &wire.SoDCheck{
			Principal: plan.Principal,
			Change:    access.Change{Op: plan.Op, Lease: access.Lease{Holding: plan.Holding()}, Rules: plan.Rules},
		},
		Decision: access.Decision{At: d.now, By: "carol@example.com", Action: action},
	}
}

func (d *grantFixture) decide(in wire.DecideInput) wire.DecideResult {
	d.t.Helper()
	out, err := executeActivity[wire.DecideResult](d, wire.DecideActivity, in)
	require.NoError(d.t, err)
	return out
}

// An approval counts if it would conflict with nothing now; if not, the ledger has it
// with the reason. A denial, and what does not count anyway, is not looked at.
func TestDecide_SeparationOfDuties(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	require.Empty(t, d.decide(d.decideInput(0, "approve")).Refusal)
	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	refused := d.decideInput(1, "approve")
	got := d.decide(refused)
	require.Contains(t, got.Refusal, apartText)
	e, err := d.store.LedgerEntryByKey(t.Context(), d.who.Console, ledger.DecisionEntryKey(
		runOf(refused.Request).DecisionKey(refused.Decision, ""), 1))
	require.NoError(t, err)
	body, err := ledger.DecodeAs[ledger.Decision](e)
	require.NoError(t, err)
	require.Equal(t, "carol@example.com", body.Decision.By)
	require.Equal(t, got.Refusal, body.Refusal)
	d.editByHand(holdings(d.viewer))
	require.Equal(t, got, d.decide(refused), "the first answer stands")

	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	asked := d.console.RequestCount()
	require.Empty(t, d.decide(d.decideInput(2, "deny")).Refusal)
	twice := d.decideInput(3, "approve")
	twice.Refusal = "not twice"
	require.Equal(t, "not twice", d.decide(twice).Refusal)
	plain := d.decideInput(4, "approve")
	plain.SoD = nil
	require.Empty(t, d.decide(plain).Refusal)
	require.Equal(t, asked, d.console.RequestCount(), "the console is not asked")
}

// A console that is down keeps a decision waiting for a few attempts only.
func TestDecide_SeparationWhileTheConsoleIsDown(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	d.addFault(consoletest.ServerError, http.MethodGet, 0)
	for d.attempt = 1; d.attempt <= sodAttempts; d.attempt++ {
		_, err := executeActivity[wire.DecideResult](d, wire.DecideActivity, d.decideInput(0, "approve"))
		require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
	}
	require.Empty(t, d.decide(d.decideInput(0, "approve")).Refusal, "it is looked at again when it is applied")
}
