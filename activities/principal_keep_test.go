package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
)

// reviewed makes requests break-glass grants of permanent roles, which carol has reviewed.
func (d *grantFixture) reviewed() {
	d.t.Helper()
	p, err := policy.Parse("glass", []byte(breakGlassPolicy))
	require.NoError(d.t, err)
	require.NoError(d.t, d.store.KeepPolicy(d.t.Context(), p.Hash(), p.Name(), p.Text()))
	d.planAs = func(plan *access.Plan) {
		plan.Op, plan.Terms.BreakGlass, plan.Terms.Duration = access.OpGrant, true, 0
		answer, err := p.Evaluate(policy.InputFromPlan(*plan, d.now))
		require.NoError(d.t, err)
		plan.Approval = answer.Approval
		run, hash := ledger.Run{Request: "grant/1", ID: "run"}, plan.Seal().Hash
		decision := access.Decision{At: d.now, By: "carol@example.com", Action: "approve", PlanHash: hash}
		_, err = d.store.Append(d.t.Context(), d.who.Console, ledger.NewEntry{
			Request: run.Request, Key: run.NumberedDecisionKey(0), At: d.now, Body: ledger.Decision{Decision: decision},
		})
		require.NoError(d.t, err)
	}
}

const breakGlassPolicy = `
groups: {leads: [carol@example.com]}
rules:
  - {name: glass, permanent: true, approvals: [{need: 1, from: [leads]}],
     breakGlass: {reviewWithin: 4h, reviewers: {need: 1, from: [leads]}}}
`

// A writer that has lost what it knew keeps a role permanently that its lease granted, and does
// not give again what somebody has taken away.
func TestWrite_KeepsForGoodWithoutKnowingTheLease(t *testing.T) {
	t.Parallel()
	for name, byHand := range map[string]bool{"as it was": false, "taken away by hand": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			d.reviewed()
			l := lease("1", d.soc)
			given := d.mustWrite(d.change(access.OpAcquire, l))
			if byHand {
				d.editByHand(holdings(d.viewer))
				d.now = d.now.Add(time.Minute)
			}
			in := d.change(access.OpGrant, l)
			in.Change.GrantProof = &given.Proof
			out := d.mustWrite(in)
			require.Empty(t, out.Next.Leases)
			if byHand {
				require.Equal(t, access.Superseded, out.Proof.Outcome)
				require.Equal(t, holdings(d.viewer), d.held())
				return
			}
			require.Equal(t, access.AlreadyHeld, out.Proof.Outcome)
			require.Equal(t, holdings(d.viewer, d.soc), d.held())
		})
	}
}

// Once it is released, nothing keeps it.
func TestWrite_TooLateToKeepForGood(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.reviewed()
	l := lease("1", d.soc)
	d.mustWrite(d.change(access.OpAcquire, l))
	d.mustWrite(d.change(access.OpRelease, l))
	require.Equal(t, access.NotApplied, d.mustWrite(d.change(access.OpGrant, l)).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}
