package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// The build ids of the two workers.
const (
	oldBuild = "1.0"
	newBuild = "1.1"
)

// deployEnv is a stack whose workers are versions of a worker deployment of its own. Two builds
// share a PostgreSQL database.
type deployEnv struct {
	*grantEnv

	deployment string
	people     []*grantEnv // a user each
	grants     []*deployedGrant
}

// deployedGrant is one running grant.
type deployedGrant struct {
	*grantEnv

	run   client.WorkflowRun
	ended bool // by update end; else it expires
}

// nextWorker is the worker of the next release, built once.
var nextWorker = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(programs.Worker), "worker-next")
	return path, testbed.BuildNextWorker(context.Background(), path)
})

func newDeployEnv(t *testing.T, people int) *deployEnv {
	t.Helper()
	return newDeployEnvOn(t, shared, people)
}

func newDeployEnvOn(t *testing.T, temporal *testbed.DevServer, people int) *deployEnv {
	t.Helper()
	s := newStackOn(t, temporal, grantworld.Options())
	s.database = pgtest.URL(t)
	d := &deployEnv{grantEnv: prepareGrantEnv(t, s), deployment: "e2e/" + t.Name()}
	for i := range people {
		d.people = append(d.people, d.withUser(fmt.Sprintf("person.%d@example.com", i)))
	}
	return d
}

// startOld starts the worker of this checkout as the old build, and makes it current.
func (d *deployEnv) startOld() *testbed.Process {
	d.t.Helper()
	w := d.startBuild(programs.Worker, oldBuild)
	d.makeCurrent(oldBuild)
	return w
}

// startNew starts the worker of the next release as the new build.
func (d *deployEnv) startNew(env ...string) *testbed.Process {
	d.t.Helper()
	program, err := nextWorker()
	require.NoError(d.t, err)
	return d.startBuild(program, newBuild, env...)
}

func (d *deployEnv) startBuild(program, build string, env ...string) *testbed.Process {
	d.t.Helper()
	before := strings.Count(d.workerOutput.String(), readyText)
	env = append(d.env(), append(env, "TEMPORAL_DEPLOYMENT_NAME="+d.deployment, "TEMPORAL_WORKER_BUILD_ID="+build)...)
	w, err := testbed.StartProcess(d.workerOutput, env, program)
	require.NoError(d.t, err)
	d.t.Cleanup(w.Kill)
	require.NoError(d.t, d.workerOutput.WaitFor(d.ctx(), readyText, before+1))
	return w
}

// makeCurrent makes a build current, once Temporal knows that it polls both task queues.
func (d *deployEnv) makeCurrent(build string) {
	d.t.Helper()
	require.EventuallyWithT(d.t, func(c *assertT) {
		got := d.cli("worker", "deployment", "describe-version", "--deployment-name", d.deployment, "--build-id", build,
			"--output", "json")
		require.Zero(c, got.code, got.stderr)
		for _, queue := range []string{d.queue, wire.WriteQueue(d.queue)} {
			require.Contains(c, got.stdout, strconv.Quote(queue))
		}
		got = d.cli("worker", "deployment", "set-current-version", "--deployment-name", d.deployment,
			"--build-id", build, "--yes")
		require.Zero(c, got.code, got.stderr)
	}, limit, 200*time.Millisecond)
}

// startGrants starts grants of SOC for some of the people: each gets one that expires after a time
// at the second site, and one that lasts an hour at the third.
func (d *deployEnv) startGrants(people []*grantEnv, expire string) {
	d.t.Helper()
	for _, p := range people {
		d.grants = append(d.grants, &deployedGrant{
			grantEnv: p, run: p.startGrant("/"+p.user.ID, p.inputFor(p.user, p.requested, expire)),
		})
		d.startLong(p)
	}
}

func (d *deployEnv) startLong(p *grantEnv) {
	d.t.Helper()
	in := p.inputFor(p.user, d.world.AtSite("SOC", 2), "1h")
	d.grants = append(d.grants, &deployedGrant{grantEnv: p, run: p.startGrant("/"+p.user.ID+"/long", in), ended: true})
}

// writerOf is the workflow id of the writer of somebody's roles.
func (d *deployEnv) writerOf(p *grantEnv) string {
	return wire.PrincipalID(d.consoleKey(), p.user.Kind, p.user.ID)
}

// untilApplied waits until every grant is in force, or over already.
func (d *deployEnv) untilApplied() {
	d.t.Helper()
	for _, g := range d.grants {
		g.untilStatus(g.run, func(got wire.RequestStatus) bool {
			return got.State != wire.StatePlanning && got.State != wire.StateApplying
		})
	}
}

// endLong ends the grants that would last an hour.
func (d *deployEnv) endLong() {
	d.t.Helper()
	failed := make([]error, len(d.grants))
	var all sync.WaitGroup
	for i, g := range d.grants {
		if g.ended {
			all.Go(func() { _, failed[i] = g.tryUpdate(g.run, wire.EndUpdate, stopper) })
		}
	}
	all.Wait()
	require.NoError(d.t, errors.Join(failed...))
}

var stopper = wire.StopInput{By: "bob@example.com"}

// requireAllOver waits for the end of every grant, and checks how it ended: with proof, and with
// nobody holding more than before.
func (d *deployEnv) requireAllOver() {
	d.t.Helper()
	before := grantworld.Holdings(d.viewer).Normal()
	for _, g := range d.grants {
		got := g.result(g.run)
		want := wire.StateExpired
		if g.ended {
			want = wire.StateEnded
		}
		require.Equal(d.t, want, got.State, got.Message)
		require.Equal(d.t, access.Released, got.Outcome)
		g.requireReceipt(got)
	}
	for _, p := range d.people {
		require.Equal(d.t, before, p.holdings())
		require.Equal(d.t, 1, d.console.MaxConcurrentWrites(p.user.Kind, p.user.ID))
	}
	d.requireLedger()
}

// builds counts the workflow tasks of the latest run of a workflow by the build that did them.
func (d *deployEnv) builds(workflow string) map[string]int {
	d.t.Helper()
	out := map[string]int{}
	for _, e := range history(d.stack, workflow).Events {
		if a := e.GetWorkflowTaskCompletedEventAttributes(); a != nil {
			out[a.GetDeploymentVersion().GetBuildId()]++
		}
	}
	return out
}

// buildsOf lists the builds that did workflow tasks of the latest run of a workflow.
func (d *deployEnv) buildsOf(workflow string) []string {
	return slices.Sorted(maps.Keys(d.builds(workflow)))
}

// took says whether a workflow took the step of the next build.
func (d *deployEnv) took(workflow string) bool {
	d.t.Helper()
	for _, e := range history(d.stack, workflow).Events {
		if a := e.GetTimerStartedEventAttributes(); a != nil && a.StartToFireTimeout.AsDuration() == time.Millisecond {
			return true
		}
	}
	return false
}

// pinnedTo lists the open workflows of a type that are pinned to a build, as Temporal's visibility
// knows them.
func (d *deployEnv) pinnedTo(build, workflowType string) []string {
	d.t.Helper()
	answer, err := d.client.ListWorkflow(d.ctx(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: d.pinnedQuery(build, workflowType) +
			" AND ExecutionStatus = 'Running' AND TemporalWorkflowVersioningBehavior = 'Pinned'",
	})
	require.NoError(d.t, err)
	out := []string{}
	for _, e := range answer.Executions {
		out = append(out, e.Execution.WorkflowId)
	}
	return out
}

func (d *deployEnv) pinnedQuery(build, workflowType string) string {
	return fmt.Sprintf("WorkflowType = '%s' AND TemporalWorkerDeploymentVersion = '%s:%s'",
		workflowType, d.deployment, build)
}

// serverMovesPinned says whether the server tells pinned workflows of a new build, and lets them
// continue as new there: since 1.31.
func (d *deployEnv) serverMovesPinned() bool {
	d.t.Helper()
	info, err := d.client.WorkflowService().GetSystemInfo(d.ctx(), &workflowservice.GetSystemInfoRequest{})
	require.NoError(d.t, err)
	var major, minor int
	_, err = fmt.Sscanf(info.GetServerVersion(), "%d.%d", &major, &minor)
	require.NoError(d.t, err)
	return major > 1 || minor >= 31
}
