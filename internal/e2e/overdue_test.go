package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// goneWithin is how long after its end access is gone at the latest, on a machine that does many other things.
const goneWithin = limit

// terminate terminates the grant and the writer of the user: nothing is left that would release the access.
func (r *grantEnv) terminate(run client.WorkflowRun) {
	r.t.Helper()
	require.NoError(r.t, r.client.TerminateWorkflow(r.ctx(), run.GetID(), "", "the adversary"))
	require.NoError(r.t, r.client.TerminateWorkflow(r.ctx(), r.writerID(), "", "the adversary"))
}

func (r *grantEnv) writerID() string {
	return wire.PrincipalID(r.consoleKey(), r.user.Kind, r.user.ID)
}

// untilReleased waits until the console does not show the role any more, and the ledger has the proof and the read
// that confirms it, and returns the proof.
func (r *grantEnv) untilReleased(request string, ends time.Time) (proof access.Proof) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return !r.holdings().Holds(r.requested) },
		time.Until(ends.Add(goneWithin)), 50*time.Millisecond, "the access is still there: %s", r.workerOutput.Tail())
	require.EventuallyWithT(r.t, func(c *assertT) {
		confirmed := false
		for _, e := range r.ledgerOf(request) {
			switch body, err := ledger.Decode(e); body := body.(type) {
			case ledger.Proof:
				require.NoError(c, err)
				if body.Proof.Op == access.OpRelease {
					proof = body.Proof
				}
			case ledger.Confirmation:
				confirmed = confirmed || !body.Shown
			}
		}
		require.Equal(c, access.Released, proof.Outcome)
		require.True(c, confirmed)
	}, limit, 50*time.Millisecond)
	require.True(r.t, r.holdings().Holds(r.viewer), "what was there before stays")
	return proof
}

func (r *grantEnv) ledgerOf(request string) []ledger.Entry {
	r.t.Helper()
	entries, err := r.openStore().LedgerOf(r.ctx(), r.consoleKey(), request)
	require.NoError(r.t, err)
	return entries
}

// overdueEntries are the entries that say that the system has released the access of a request.
func (r *grantEnv) overdueEntries(request string) (out []ledger.Overdue) {
	r.t.Helper()
	for _, e := range r.ledgerOf(request) {
		if e.Kind == ledger.KindOverdue {
			body, err := ledger.DecodeAs[ledger.Overdue](e)
			require.NoError(r.t, err)
			out = append(out, body)
		}
	}
	return out
}

// Grant and writer are terminated while the access is in force: nothing in Temporal knows of it any more. The system
// releases it all the same, says so in the ledger and in `show`, and counts it.
func TestOverdue_GrantAndWriterTerminated(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	r.terminate(run)
	r.untilReleased(run.GetID(), ends)
	entries := r.overdueEntries(run.GetID())
	require.Len(t, entries, 1)
	require.Equal(t, access.PrincipalRef{Kind: access.User, ID: r.user.ID}, entries[0].Principal)
	require.WithinDuration(t, ends, entries[0].Due, time.Second)
	require.Equal(t, "end", entries[0].Why)
	shown := r.starter("show", run.GetID())
	require.Contains(t, shown.stdout, "released by the system")
	r.requireLedger()
}

// Temporal's database is lost while a lease runs, and a new one is empty.
func TestOverdue_TemporalIsEmpty(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "temporal.db")
	server, err := testbed.StartDevServer(t.Context(), file)
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	r := prepareGrantEnv(t, newStackOn(t, server, grantworld.Options()))
	r.startWorker()
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	server.Kill()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.RemoveAll(file+suffix))
	}
	require.NoError(t, server.Restart(r.ctx()))
	r.untilReleased(run.GetID(), ends)
	require.Len(t, r.overdueEntries(run.GetID()), 1)
}

// The worker starts long after the end, and cannot reach Temporal at all.
func TestOverdue_WorkerWithoutTemporal(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	r.worker.Kill()
	r.extraEnv = append(r.extraEnv, "TEMPORAL_ADDRESS=127.0.0.1:1")
	alone, err := testbed.StartProcess(r.workerOutput, r.env(), programs.Worker)
	require.NoError(t, err)
	t.Cleanup(alone.Kill)
	r.untilReleased(run.GetID(), ends)
	code, err := alone.Stop(limit)
	require.NoError(t, err)
	require.Zero(t, code, "it stops while it still looks for Temporal")
}

// The grant is alive, and the release of its writer is paused. The system releases the access, and then the writer
// goes on: the grant ends with its receipt.
func TestOverdue_ReleasePaused(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	down := r.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/users"})
	r.pauseActivity(r.writerID())
	require.True(t, r.console.RemoveFault(down))
	r.untilReleased(run.GetID(), ends)
	got := r.result(run)
	require.Equal(t, wire.StateExpired, got.State)
	require.Equal(t, access.Released, got.Outcome)
	r.requireReceipt(got)
}

// Of two workers, one releases what is overdue, once.
func TestOverdue_TwoWorkers(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	second, err := testbed.StartProcess(&testbed.Output{}, r.env(), programs.Worker)
	require.NoError(t, err)
	t.Cleanup(second.Kill)
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	r.terminate(run)
	proof := r.untilReleased(run.GetID(), ends)
	require.Len(t, proof.Writes, 1)
	require.Len(t, r.roleWrites(), 2, "one that gave the role, one that removed it")
}

// The console is down at the end. The access is gone soon after it is back.
func TestOverdue_ConsoleDown(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	run := r.startGrant("", r.input("30s"))
	r.untilStatus(run, isActive)
	r.terminate(run)
	down := r.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Path: "/users"})
	require.Eventually(t, func() bool {
		waits, err := r.openStore().WaitOf(r.ctx(), r.consoleKey(), run.GetID())
		require.NoError(t, err)
		return len(waits) > 0 && waits[0].Release && waits[0].Attempt > 1
	}, limit, 100*time.Millisecond, "it says why it waits")
	require.True(t, r.console.RemoveFault(down))
	r.untilReleased(run.GetID(), time.Now())
	waits, err := r.openStore().WaitOf(r.ctx(), r.consoleKey(), run.GetID())
	require.NoError(t, err)
	require.Empty(t, waits)
}

// pauseActivity pauses the activity that a workflow waits for, once there is one that has failed.
func (s *stack) pauseActivity(workflow string) {
	s.t.Helper()
	at := &common.WorkflowExecution{WorkflowId: workflow}
	require.EventuallyWithT(s.t, func(c *assertT) {
		is, err := s.client.DescribeWorkflowExecution(s.ctx(), workflow, "")
		require.NoError(c, err)
		require.NotEmpty(c, is.GetPendingActivities())
		pending := is.GetPendingActivities()[0]
		require.Greater(c, pending.GetAttempt(), int32(1))
		_, err = s.client.WorkflowService().PauseActivity(s.ctx(), &workflowservice.PauseActivityRequest{
			Namespace: "default", Execution: at,
			Activity: &workflowservice.PauseActivityRequest_Id{Id: pending.GetActivityId()},
		})
		require.NoError(c, err)
	}, limit, 50*time.Millisecond)
}

// Somebody has started another workflow in the writer's place, under its id, and terminated the grant.
func TestOverdue_ForeignWriter(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	r.terminate(run)
	r.start(r.writerID(), "Unknown", nil)
	r.untilReleased(run.GetID(), ends)
	// The writer is mended: a revoke of what is left goes through it.
	got := r.result(r.startRevoke("/after", r.requested))
	require.Equal(t, access.AlreadyAbsent, got.Outcome, got.Message)
}
