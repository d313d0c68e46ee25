package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// Two changes were cut off after their writes, and the older one is settled first: the role of the newer one is not
// taken for an edit by hand, which would keep it for ever.
func TestWrite_SettledBesideAnUnprovenChange(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	third := d.viewerAtThirdSite()
	d.mustWrite(d.change(access.OpGrant, lease("0", d.soc)))
	first, second := d.change(access.OpGrant, lease("1", third)), d.change(access.OpAcquire, lease("2", d.admin))
	d.dieAt(first, "before the answer")
	d.dieAt(second, "before the answer")
	require.Equal(t, holdings(d.viewer, d.admin, third), d.held())

	require.Empty(t, d.mustWrite(first).Proof.Drift, "nobody has changed anything by hand")
	got := d.mustWrite(second)
	require.Equal(t, access.Applied, got.Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("2", d.admin))).Proof.Outcome)
	require.Equal(t, holdings(d.viewer, d.soc, third), d.held())
}

// A lease was cut short by a permanent grant and acquired anew, and that write was cut off, as was one of another
// request: the lease claims its role, so its end removes it.
func TestWrite_AdoptsALeaseThatWasLost(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leased := d.change(access.OpAcquire, lease("1", d.admin))
	d.dieAt(leased, "before the answer")
	d.mustWrite(d.change(access.OpGrant, lease("2", d.soc))) // which takes the lease's place
	d.dieAt(d.change(access.OpGrant, lease("3", d.viewerAtThirdSite())), "before the answer")
	d.now = d.now.Add(visibilityDelay)
	d.dieAt(leased, "before the answer")
	require.Equal(t, holdings(d.viewer, d.viewerAtThirdSite(), d.admin), d.held())

	d.mustWrite(d.change(access.OpRevoke, lease("4", d.viewer)))
	require.Equal(t, access.Applied, d.mustWrite(leased).Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.admin))).Proof.Outcome)
	require.Equal(t, holdings(d.viewerAtThirdSite(), d.soc), d.held())
}

// A release was cut off after its write, which shows the role of an older lease again: another attempt at the
// principal, such as one by the reconciler, does not take that for an edit by hand.
func TestWrite_AdoptsARelease(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	third := d.viewerAtThirdSite()
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc)))
	d.mustWrite(d.change(access.OpAcquire, lease("2", d.admin)))
	d.dieAt(d.change(access.OpGrant, lease("3", third)), "before the answer")
	released := d.change(access.OpRelease, lease("2", d.admin))
	d.dieAt(released, "before the answer")
	require.Equal(t, holdings(d.viewer, third, d.soc), d.held())

	require.Empty(t, d.mustWrite(d.change(access.OpRevoke, lease("4", d.viewer))).Proof.Drift)
	require.Equal(t, access.Released, d.mustWrite(released).Proof.Outcome)
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
	require.Equal(t, holdings(third), d.held())
}
