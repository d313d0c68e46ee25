package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// approved is an acquisition of SOC whose approved effect is to gain that role only.
func (d *grantFixture) approved() wire.WriteInput {
	d.planAs = func(p *access.Plan) { p.Effect = &access.Effect{Gains: []access.Holding{d.soc}} }
	defer func() { d.planAs = nil }()
	return d.change(access.OpAcquire, lease("1", d.soc))
}

// Hand edits and other leases change the list of roles since the approval, but not what the
// change does: it is applied, and they stand.
func TestWrite_AnotherListWithTheApprovedEffect(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.soc)))
	got := d.mustWrite(d.approved())
	require.Equal(t, access.AlreadyHeld, got.Proof.Outcome)
	d.mustWrite(d.change(access.OpRelease, lease("2", d.soc)))
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite(), d.soc), d.held())
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite()), d.held())
}

// A hand edit at the requested scope would be replaced, which nobody approved.
func TestWrite_MoreThanTheApprovedEffect(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.editByHand(holdings(d.viewer, d.admin))
	got := d.mustWrite(d.approved())
	require.Equal(t, access.PlanChanged, got.Proof.Outcome)
	require.Contains(t, got.Message, "it would replace "+d.admin.String())
	require.Equal(t, holdings(d.viewer, d.admin), d.held())
	require.Equal(t, []ledger.Kind{ledger.KindRequest}, d.ledger("grant/1"),
		"nothing is recorded, so that it may be approved again")

	d.editByHand(holdings(d.viewer))
	require.Equal(t, access.Applied, d.mustWrite(d.approved()).Proof.Outcome)
}

// A write that the console did not take does not make the next attempt free to do more: once it
// can no longer arrive, the change needs approval again.
func TestWrite_MoreThanTheApprovedEffectAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.addFault(consoletest.BadGateway, "PUT", 1)
	in := d.approved()
	_, err := d.write(in)
	require.Error(t, err)
	require.Equal(t, holdings(d.viewer), d.held())
	d.editByHand(holdings(d.viewer, d.admin))
	require.Contains(t, d.retriedMessage(in), "may still reach the console")
	d.now = d.now.Add(time.Minute)
	require.Equal(t, access.PlanChanged, d.mustWrite(in).Proof.Outcome)
	require.Equal(t, holdings(d.viewer, d.admin), d.held())
}
