package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/wire"
)

// Fifty grants are running when the next release is deployed beside the old one: all end right.
// Requests go on on the new build, by the steps that they began with; those that begin on it take
// its new step. Writers stay with the workers of the old build, and move where the server can tell
// them; then the old build's workers can go.
func TestDeploy_OldAndNewBuildSideBySide(t *testing.T) {
	t.Parallel()
	d := newDeployEnv(t, 30)
	old := d.startOld()
	running := d.people[:25]
	d.startGrants(running, "15s")
	d.untilApplied()
	writer := wire.PrincipalID(d.consoleKey(), running[0].user.Kind, running[0].user.ID)
	require.Equal(t, []string{oldBuild}, d.buildsOf(writer))

	d.startNew()
	d.makeCurrent(newBuild)
	d.startGrants(d.people[25:], "5s")
	d.untilApplied()
	for _, g := range d.grants {
		if !g.ended {
			g.result(g.run)
		}
	}
	if d.serverMovesPinned() {
		// The release of the first grant woke each writer.
		require.Eventually(t, func() bool { return len(d.pinnedTo(oldBuild, wire.PrincipalType)) == 0 },
			limit, time.Second)
		code, err := old.Stop(limit)
		require.NoError(t, err)
		require.Zero(t, code)
		require.Equal(t, []string{newBuild}, d.buildsOf(writer), "a new run, on the new build")
	} else {
		require.Equal(t, []string{oldBuild}, d.buildsOf(writer), "pinned, and its workers must stay")
	}
	d.endLong()
	d.requireAllOver()
	for i, g := range d.grants {
		builds, begunOnOld := d.builds(g.run.GetID()), i < 2*len(running)
		require.Equal(t, !begunOnOld, d.took(g.run.GetID()), "a request takes the steps of the build it began on")
		if g.ended {
			require.Positive(t, builds[newBuild])
			require.Equal(t, begunOnOld, builds[oldBuild] > 0)
		}
	}
}

// The next release is rolled back while fifty grants are running, half of which began on it, and
// its workers are killed at once. It was told to which release it may be rolled back, so the old
// build can go on with all of them; the command of the runbook moves the writers that are pinned
// to the killed workers.
func TestDeploy_RolledBack(t *testing.T) {
	t.Parallel()
	d := newDeployEnv(t, 25)
	d.startOld()
	d.startGrants(d.people[:13], "15s")
	d.untilApplied()
	next := d.startNew("ROLLBACK_TO=0.6.0")
	d.makeCurrent(newBuild)
	d.startGrants(d.people[13:], "15s")
	d.untilApplied()
	begunOnNew := d.grants[len(d.grants)-1].run.GetID()
	require.Equal(t, []string{newBuild}, d.buildsOf(begunOnNew))

	d.makeCurrent(oldBuild)
	next.Kill()
	got := d.cli("workflow", "update-options", "--query", d.pinnedQuery(newBuild, wire.PrincipalType),
		"--versioning-override-behavior", "auto_upgrade", "--reason", "rolled back", "--yes")
	require.Zero(t, got.code, got.stderr)
	d.endLong()
	d.requireAllOver()
	for _, g := range d.grants {
		require.False(t, d.took(g.run.GetID()))
	}
	builds := d.builds(begunOnNew)
	require.Positive(t, builds[oldBuild])
	require.Positive(t, builds[newBuild])
}
