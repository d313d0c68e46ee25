package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// The worker is killed during each call of a timed grant, before the console has carried it
// out and after. Each grant ends as if nothing had happened. There is one kill: the grants
// of the users are at different calls then.
func TestKill_WorkerAtEveryCallOfAGrant(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	var all []*stalledRequest
	for i, call := range grantCalls {
		for _, done := range []bool{false, true} {
			u := s.withUser(fmt.Sprintf("user.%d.%t@example.com", i, done))
			all = append(all, u.startStalled(call, done, 25*time.Second, u.startOneSecondGrant))
		}
	}
	s.untilStalled(all)
	s.worker.Kill()
	s.startWorker()
	for _, k := range all {
		t.Run(k.name, k.requireUndisturbed)
	}
	s.requireLedger()
}

// The Temporal server is killed during each call of a timed grant, while the worker is
// waiting for the console.
func TestKill_TemporalServerAtEveryCallOfAGrant(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	server, err := testbed.StartDevServer(t.Context(), filepath.Join(t.TempDir(), "temporal.db"))
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	s := prepareGrantEnv(t, newStackOn(t, server, grantworld.Options()))
	s.startWorker()
	g := newRequestGate(s)
	var all []*stalledRequest
	for i, call := range grantCalls {
		u := s.withUser(fmt.Sprintf("user.%d@example.com", i))
		g.blockAt(u.user, call)
		k := &stalledRequest{grantEnv: u, name: call.name, before: u.holdings()}
		k.run = u.startOneSecondGrant("/" + call.name)
		all = append(all, k)
	}
	g.untilBlocked(len(all))
	server.Kill()
	require.NoError(t, server.Restart(s.ctx()))
	g.open()
	for _, k := range all {
		t.Run(k.name, k.requireUndisturbed)
	}
	s.requireLedger()
}

// stalledRequest is a request one of whose calls gets no answer for some time.
type stalledRequest struct {
	*grantEnv

	name   string
	faults []string
	before access.Holdings
	run    client.WorkflowRun
}

// startStalled starts a request one of whose calls gets no answer for some time. The
// console carries that call out at once (done) or never.
func (r *grantEnv) startStalled(
	call consoleCall, done bool, forTime time.Duration, start func(name string) client.WorkflowRun,
) *stalledRequest {
	r.t.Helper()
	k := &stalledRequest{grantEnv: r, name: call.name + ", not done", before: r.holdings()}
	fault := consoletest.Fault{
		Name: consoletest.Slow, Path: "/users/" + r.user.ID, Method: call.method, After: call.after, Times: 1,
		Delay: forTime,
	}
	k.faults = append(k.faults, r.console.AddFault(fault))
	if done {
		k.name = call.name + ", done"
	} else {
		fault.Name = consoletest.CutBefore
		k.faults = append(k.faults, r.console.AddFault(fault))
	}
	k.run = start("/" + k.name)
	return k
}

func (r *grantEnv) startOneSecondGrant(name string) client.WorkflowRun {
	return r.startGrant(name, r.input("1s"))
}

// untilStalled waits until each request is at the call that stalls.
func (r *grantEnv) untilStalled(all []*stalledRequest) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		for _, k := range all {
			if r.console.FaultsFired(k.faults[0]) == 0 {
				return false
			}
		}
		return true
	}, limit, 50*time.Millisecond)
}

// requireUndisturbed checks that a timed grant ended as if nothing had happened.
func (k *stalledRequest) requireUndisturbed(t *testing.T) {
	var got wire.RequestResult
	require.EventuallyWithT(t, func(c *assertT) { // a client loses its long poll with the server
		require.NoError(c, k.client.GetWorkflow(k.ctx(), k.run.GetID(), "").Get(k.ctx(), &got))
	}, limit, time.Second)
	require.Equal(t, "expired", got.State, got.Message)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, k.before, k.holdings())
	k.requireReceipt(got)
}
