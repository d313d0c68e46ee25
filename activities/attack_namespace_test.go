package activities

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// A request is closed while its write is recorded and waits for the rate budget. The write arrives after that, and no
// proof says so. It stays a lease all the same: another role that hides it for a time does not make it permanent.
func TestWrite_ClosedBeforeItsWriteWasSent(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.mustWrite(d.change(access.OpAcquire, lease("0", d.viewerAtThirdSite()))) // ownership is known
	first := d.change(access.OpAcquire, lease("1", d.soc))
	d.dieAt(first, "before it sent") // it waits for the rate budget
	d.now = d.now.Add(31 * time.Second)
	_, err := d.closeGrant(wire.StateRefused) // by somebody who has failed its activity by hand
	require.NoError(t, err)
	require.Contains(t, d.ledger("grant/1"), ledger.KindReceipt)
	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite(), d.soc)) // it arrives
	d.now = d.now.Add(5 * time.Second)
	second := d.change(access.OpAcquire, lease("2", d.admin)) // at the same site, for an hour
	d.mustWrite(second)
	require.False(t, d.held().Holds(d.soc))

	d.now = d.now.Add(2 * time.Minute)
	_, err = d.principal.ReleaseOverdue(d.alone(), ledger.Run{Request: "grant/1", ID: "run"}, time.Minute)
	require.NoError(t, err)
	d.now = d.now.Add(2 * time.Hour)
	d.mustWrite(d.change(access.OpRelease, lease("2", d.admin)))
	require.False(t, d.held().Holds(d.soc), "the role of a lease of an hour that was refused: %v", d.held())
}

// The role of a lease at a further scope whose time is over does not come back either.
func TestRelease_HiddenLeaseAtAFurtherScopeIsOver(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	third := d.viewerAtThirdSite()
	d.planAs = func(p *access.Plan) {
		p.Scopes = []access.ScopeRef{{Level: d.soc.Level, ID: third.ScopeID}, {Level: d.soc.Level, ID: d.soc.ScopeID}}
	}
	at := access.Holding{Level: d.soc.Level, RoleID: d.soc.RoleID, ScopeID: third.ScopeID}
	d.mustWrite(d.change(access.OpAcquire, lease("1", at)))
	d.planAs = nil
	require.True(t, d.held().Holds(d.soc) && d.held().Holds(at))
	d.now = d.now.Add(30 * time.Minute)
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.admin))) // hides the one at the second site
	require.False(t, d.held().Holds(d.soc))
	d.now = d.now.Add(time.Hour)
	puts := d.puts()
	d.mustWrite(d.change(access.OpRelease, lease("2", d.admin)))
	require.Equal(t, puts+1, d.puts())
	require.False(t, d.held().Holds(d.soc), "an hour was over half an hour ago")
}

// An extension is not approved while giving is frozen.
func TestDecide_ExtensionWhileFrozen(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followPolicy(policyOfText(t, "groups: {soc: [carol@example.com, dora@example.com]}\n"+
		"rules: [{name: soc, approvals: [{need: 1, from: [soc]}], maxDuration: 240h}]\n"))
	in := d.grantInput()
	in.Op, in.Terms.Duration = access.OpAcquire, access.Duration(4*time.Hour)
	in.Request.StartedAt = d.now
	plan := d.plan(in).Plan
	asked, err := executeActivity[wire.ExtendResult](d, wire.ExtendActivity,
		extendInput(in, plan, d.now, "bob@example.com", 20*time.Hour))
	require.NoError(t, err)
	require.Empty(t, asked.Refusal)
	d.freeze(d.freezeInput("1", wire.FreezeAction, "bob@example.com"))
	got := d.decide(wire.DecideInput{Request: in.Request, Decision: access.Decision{
		At: d.now, By: "carol@example.com", Action: "approve", PlanHash: asked.Extension.Hash,
	}})
	require.Contains(t, got.Refusal, "frozen")
}

// What is recorded is bounded, whoever has an activity run.
func TestDecide_LongText(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.decideInput(0, "deny")
	in.Decision.Comment = strings.Repeat("x", 1<<20)
	_, err := executeActivity[wire.DecideResult](d, wire.DecideActivity, in)
	require.Error(t, err)
	require.Empty(t, d.ledger("grant/1"))
}

// A signed request that somebody has kept back is not planned months later, whatever time the input claims.
func TestPlan_SignatureThatWasKept(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	d.now, d.scheduled = d.now.AddDate(0, 2, 0), d.scheduled.AddDate(0, 2, 0)
	d.request.runs.began = func(context.Context) (time.Time, error) { return d.now, nil }
	require.Contains(t, d.plan(in).Plan.Refusal, "before it arrived")
}
