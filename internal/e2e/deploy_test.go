package e2e

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/testbed"
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
	running := d.people[:24]
	d.startGrants(running, "15s")
	for _, p := range d.people[24:26] {
		d.startLong(p)
	}
	d.untilApplied()
	writer, quiet := d.writerOf(running[0]), d.writerOf(d.people[24])
	require.Equal(t, []string{oldBuild}, d.buildsOf(writer))

	d.startNew()
	d.makeCurrent(newBuild)
	d.startGrants(d.people[26:], "5s")
	d.untilApplied()
	for _, g := range d.grants {
		if !g.ended {
			g.result(g.run)
		}
	}
	if d.serverMovesPinned() {
		// The release of the first grant woke its writer; the runbook's command wakes quiet ones.
		require.Contains(t, d.pinnedTo(oldBuild, wire.PrincipalType), quiet)
		got := d.cli("workflow", "signal", "--query", d.pinnedQuery(oldBuild, wire.PrincipalType), "--name", "look",
			"--reason", "deploy", "--yes")
		require.Zero(t, got.code, got.stderr)
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
		builds, begunOnOld := d.builds(g.run.GetID()), i < 50
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
	require.Eventually(t, func() bool { // Temporal's list follows, and the command moves what is listed
		return len(d.pinnedTo(newBuild, wire.PrincipalType)) >= len(d.people[13:])
	}, limit, 200*time.Millisecond)
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

// A build that is no longer current is drained once nothing is pinned to it, a writer included. Then
// its workers can stop, and the runbook's command deletes the version. Before, it is refused.
func TestDeploy_DrainedVersionIsDeleted(t *testing.T) {
	t.Parallel()
	temporal, err := testbed.StartDevServer(t.Context(), "", `matching.PollerHistoryTTL="1s"`,
		`matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"`,
		`matching.wv.VersionDrainageStatusRefreshInterval="1s"`)
	require.NoError(t, err)
	t.Cleanup(temporal.Stop)
	d := newDeployEnvOn(t, temporal, 1)
	old := d.startOld()
	d.startGrants(d.people, "1s")
	d.untilApplied()
	d.startNew()
	d.makeCurrent(newBuild)
	remove := func() commandResult {
		return d.cli("worker", "deployment", "delete-version", "--deployment-name", d.deployment,
			"--build-id", oldBuild)
	}
	require.NotZero(t, remove().code, "it is draining, and has workers")

	d.endLong()
	d.requireAllOver()
	require.EventuallyWithT(t, func(c *assertT) {
		got := d.cli("worker", "deployment", "describe-version", "--deployment-name", d.deployment,
			"--build-id", oldBuild, "--output", "json")
		require.Zero(c, got.code, got.stderr)
		require.Contains(c, got.stdout, `"drained"`)
	}, limit, 500*time.Millisecond)
	code, err := old.Stop(limit)
	require.NoError(t, err)
	require.Zero(t, code)
	require.EventuallyWithT(t, func(c *assertT) {
		got := remove()
		require.Zero(c, got.code, got.stderr)
	}, limit, 500*time.Millisecond)
	got := d.cli("worker", "deployment", "describe", "--name", d.deployment, "--output", "json")
	require.Zero(t, got.code, got.stderr)
	require.NotContains(t, got.stdout, strconv.Quote(oldBuild))
	require.Contains(t, got.stdout, strconv.Quote(newBuild))
}
