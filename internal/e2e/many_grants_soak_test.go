//go:build soak

package e2e

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

// runningGrants is how many grants are in force; SOAK_GRANTS has another number.
var runningGrants = func() int {
	if n, err := strconv.Atoi(os.Getenv("SOAK_GRANTS")); err == nil {
		return n
	}
	return 10_000
}()

const (
	pendingGrants = 5
	endedGrants   = 100
	manyQueue     = "many"
	manyHost      = "acmeco.example.net"
)

// manyGrants is a dev server with grants of the real workflows. Their activities answer at once, for
// at the console's published rate ten thousand grants take a quarter of an hour.
type manyGrants struct {
	*countedCalls

	t      *testing.T
	worker worker.Worker
}

// countedCalls counts the calls of a list of pending requests.
type countedCalls struct {
	client.Client

	calls atomic.Int64
}

func (c *countedCalls) ListWorkflow(
	ctx context.Context, in *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.calls.Add(1)
	return c.Client.ListWorkflow(ctx, in)
}

func (c *countedCalls) QueryWorkflow(
	ctx context.Context, id, run, kind string, args ...any,
) (converter.EncodedValue, error) {
	c.calls.Add(1)
	return c.Client.QueryWorkflow(ctx, id, run, kind, args...)
}

// Ten thousand grants are in force: a worker is restarted, a sync runs beside them, a list of what
// is pending takes one call and one for each, and a hundred of them end.
//
//nolint:paralleltest // it takes the whole machine
func TestSoakGrants_TenThousandRunning(t *testing.T) {
	server, err := testbed.StartDevServer(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	c, err := server.Client(t.Context())
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = temporalclient.AddSearchAttributes(t.Context(), c, "default", workflows.SearchAttributes())
	require.NoError(t, err)
	s := &manyGrants{countedCalls: &countedCalls{Client: c}, t: t}
	s.startWorker()
	t.Cleanup(func() { s.worker.Stop() })

	s.timed("start", func() { s.startAll() })
	s.timed("in force", func() { s.untilCounted("SentinelOneState = 'active'", int64(runningGrants)) })
	s.untilCounted("SentinelOneState = 'awaitingApproval'", pendingGrants)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("memory of worker and test: %d MiB", memory.Sys>>20)

	s.timed("restart of the worker", func() {
		s.worker.Stop()
		s.startWorker()
		s.requirePending()
	})
	s.timed("pending requests", func() { s.requirePending() })
	s.timed("a sync beside them", func() {
		beside := newStackOn(t, server, consoletest.Options{Seed: 77})
		beside.startWorker()
		require.Equal(t, wire.StatePromoted, beside.runSync("-beside").State)
	})
	s.timed("ends", func() { s.endSome() })
	s.untilCounted("SentinelOneState = 'active'", int64(runningGrants-endedGrants))
}

func (s *manyGrants) timed(what string, do func()) {
	s.t.Helper()
	began := time.Now()
	do()
	s.t.Logf("%s: %.1f s", what, time.Since(began).Seconds())
}

// startWorker starts a worker with an empty cache, as a new process has.
func (s *manyGrants) startWorker() {
	worker.PurgeStickyWorkflowCache()
	w := worker.New(s.Client, manyQueue, worker.Options{DisableRegistrationAliasing: true})
	workflows.Register(w)
	for name, fn := range map[string]any{
		wire.PlanActivity: planAtOnce, wire.ApplyActivity: applyAtOnce, wire.StopActivity: stopAtOnce,
	} {
		w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	require.NoError(s.t, w.Start())
	s.worker = w
}

// planAtOnce plans a grant; one with the reason "ask" needs the approval of carol.
func planAtOnce(_ context.Context, in wire.PlanInput) (wire.PlanResult, error) {
	viewer := access.HeldRole{RoleID: "1", ScopeID: "9"}
	both := []access.HeldRole{viewer, {RoleID: "2", ScopeID: "9"}}
	plan := access.Plan{
		Op: in.Op, Console: manyHost, Principal: access.PrincipalRef{Kind: access.User, ID: in.Principal.ID},
		Role: access.RoleRef{ID: "2"}, Scope: access.ScopeRef{Level: access.SiteLevel, ID: "9"}, Terms: in.Terms,
		Before:   access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{viewer}},
		After:    access.Holdings{Level: access.SiteLevel, Held: both},
		Expected: access.Applied,
	}
	if in.Terms.Reason == "ask" {
		plan.Approval = access.Approval{
			Required: true, DecideWithin: access.Duration(72 * time.Hour), Steps: []access.ApprovalStep{
				{Need: 1, Groups: []string{"leads"}, People: []string{"carol@example.com"}},
			},
		}
	}
	return wire.PlanResult{Plan: plan.Seal(), Indexed: true}, nil
}

func applyAtOnce(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
	proof := access.Proof{Op: in.Change.Change.Op, Outcome: access.Applied}
	if in.Change.Change.Op == access.OpRelease {
		proof.Outcome = access.Released
	}
	out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: proof}}
	if in.Close != nil {
		out.Receipt = &access.Receipt{
			Request: in.Request.ID, State: in.Close.State, Outcome: proof.Outcome, Plan: in.Close.Plan,
		}
	}
	return out, nil
}

func stopAtOnce(_ context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
	return wire.StopResult{Signed: access.Unsigned, Refusal: in.Refusal}, nil
}

func (s *manyGrants) startAll() {
	var group errgroup.Group
	group.SetLimit(32)
	for i := range runningGrants + pendingGrants {
		group.Go(func() error {
			in := wire.GrantInput{
				Principal: access.PrincipalSelector{Kind: access.User, ID: fmt.Sprint(7000 + i)},
				Role:      access.RoleSelector{ID: "2"}, Scope: access.ScopeSelector{Level: access.SiteLevel, ID: "9"},
				Requester: "bob@example.com", Duration: new(access.Duration(24 * time.Hour)),
			}
			if i >= runningGrants {
				in.Reason = "ask"
			}
			_, err := s.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
				ID: wire.GrantID(fmt.Sprint(i)), TaskQueue: manyQueue,
			}, wire.GrantType, in)
			return err
		})
	}
	require.NoError(s.t, group.Wait())
}

func (s *manyGrants) untilCounted(query string, want int64) {
	s.t.Helper()
	var got int64
	require.Eventually(s.t, func() bool {
		answer, err := s.CountWorkflow(s.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: "default", Query: "ExecutionStatus = 'Running' AND " + query,
		})
		got = answer.GetCount()
		return err == nil && got == want
	}, 40*time.Minute, 500*time.Millisecond, query)
}

// requirePending lists what carol may decide, as `starter requests --waiting-for` does.
func (s *manyGrants) requirePending() {
	s.t.Helper()
	s.calls.Store(0)
	f := pending.NewFinder(&temporalclient.Connection{
		Client: s.countedCalls, Options: client.Options{Namespace: "default"},
	}, "", time.Now)
	found, err := f.For(s.t.Context(), "carol@example.com", manyHost)
	require.NoError(s.t, err)
	require.Len(s.t, found, pendingGrants)
	require.LessOrEqual(s.t, s.calls.Load(), int64(5+pendingGrants))
	s.t.Logf("%d calls for %d pending of %d running", s.calls.Load(), len(found), runningGrants)
}

// endSome ends grants at once, and waits for their results.
func (s *manyGrants) endSome() {
	var group sync.WaitGroup
	failed := make([]error, endedGrants)
	for i := range endedGrants {
		group.Go(func() {
			id := wire.GrantID(fmt.Sprint(i * runningGrants / endedGrants))
			_, err := s.UpdateWorkflow(s.t.Context(), client.UpdateWorkflowOptions{
				WorkflowID: id, UpdateName: wire.EndUpdate, WaitForStage: client.WorkflowUpdateStageCompleted,
				Args: []any{wire.StopInput{By: "bob@example.com"}},
			})
			var out wire.RequestResult
			if err == nil {
				err = s.GetWorkflow(s.t.Context(), id, "").Get(s.t.Context(), &out)
			}
			if err == nil && out.State != wire.StateEnded {
				err = fmt.Errorf("%s: %s", id, out.State)
			}
			failed[i] = err
		})
	}
	group.Wait()
	for _, err := range failed {
		require.NoError(s.t, err)
	}
}
