package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/activities"
	syncactivities "sentinelone-provisioner/activities/sync"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

const (
	host     = "acmeco.sentinelone.net"
	snapshot = "original-run-id"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// sizes are the console's rows in these tests.
var sizes = map[access.Collection]int{
	access.Accounts: 1, access.Sites: 3, access.Roles: 10, access.Users: 20, access.ServiceUsers: 7,
}

// testEnv is a workflow environment whose activities are mocked by their names on
// the wire, behind the interceptor that the worker has.
type testEnv struct {
	*testsuite.TestWorkflowEnvironment

	t         *testing.T
	decisions []wire.StopActivityInput // about quarantined snapshots, as they were recorded
	pending   map[string]string        // what a confirmation waits for, by who confirms
}

// newEnvironment has the workflows and the interceptors of the worker, and says nothing.
func newEnvironment() *testsuite.TestWorkflowEnvironment {
	env := flowtest.New(&originalRun{}, fault.NewInterceptor())
	env.SetStartTime(began)
	workflows.Register(env)
	return env
}

func newTestEnv(t *testing.T) *testEnv {
	t.Helper()
	env := newEnvironment()
	syncactivities.New(nil, nil, syncactivities.Guard{}).Register(env)
	activities.NewNotify(nil, nil, "", nil).Register(env)
	t.Cleanup(func() { env.AssertExpectations(t) })
	return &testEnv{TestWorkflowEnvironment: env, t: t}
}

// sync runs the workflow to its end.
func (s *testEnv) sync(collections ...string) {
	s.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Collections: collections})
	require.True(s.t, s.IsWorkflowCompleted())
}

func (s *testEnv) result() wire.SyncResult {
	s.t.Helper()
	require.NoError(s.t, s.GetWorkflowError())
	var out wire.SyncResult
	require.NoError(s.t, s.GetWorkflowResult(&out))
	return out
}

// failure is what the workflow failed with, which must stand outermost.
func (s *testEnv) failure() *temporal.ApplicationError {
	s.t.Helper()
	var execution *temporal.WorkflowExecutionError
	require.ErrorAs(s.t, s.GetWorkflowError(), &execution)
	//nolint:errorlint // exactly the outermost error is the subject
	app, ok := execution.Unwrap().(*temporal.ApplicationError)
	require.True(s.t, ok, "outermost is %T: %v", execution.Unwrap(), execution.Unwrap())
	require.NotContains(s.t, app.Message(), "activity error")
	return app
}

func (s *testEnv) status() wire.SyncStatus {
	s.t.Helper()
	return statusOf[wire.SyncStatus](s)
}

// at does something when so much time has passed in the workflow.
func (s *testEnv) at(d time.Duration, do func()) { s.RegisterDelayedCallback(do, d) }

func (s *testEnv) on(name string, in any) *testsuite.MockCallWrapper {
	return s.OnActivity(name, mock.Anything, in)
}

func (s *testEnv) begins(collections ...access.Collection) *testsuite.MockCallWrapper {
	s.on(wire.SyncDecideActivity, mock.Anything).
		Return(func(_ context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
			s.decisions = append(s.decisions, in)
			return wire.StopResult{Signed: access.Unsigned, Refusal: in.Refusal, Pending: s.pending[in.Stop.By]}, nil
		}).Maybe()
	return s.on(wire.SyncBeginActivity, wire.SyncBeginInput{
		Snapshot: snapshot, Collections: collections, StartedAt: began,
	}).Return(wire.SyncBeginResult{Console: host}, nil).Once()
}

func (s *testEnv) checks(out wire.SyncCheckResult, collections ...access.Collection) *testsuite.MockCallWrapper {
	return s.on(wire.SyncCheckActivity, wire.SyncCheckInput{Snapshot: snapshot, Collections: collections}).
		Return(out, nil).Once()
}

// opens mocks what comes before the walks: 6 requests.
func (s *testEnv) opens(collections ...access.Collection) {
	s.begins(collections...)
	s.checks(wire.SyncCheckResult{Expected: sizesOf(collections...), Requests: 6}, collections...)
}

// drains mocks one walk: 1 page, 2 requests.
func (s *testEnv) drains(c access.Collection, attempt int, expected *int, doubt string) *testsuite.MockCallWrapper {
	n := sizes[c]
	return s.on(wire.SyncDrainActivity, drainInput(c, attempt, expected)).Return(wire.SyncDrainResult{
		Pages: 1, Rows: n, Expected: &n, Doubt: doubt, Requests: 2,
	}, nil).Once()
}

// drainsProven mocks a first walk that balances.
func (s *testEnv) drainsProven(collections ...access.Collection) {
	for _, c := range collections {
		s.drains(c, 1, new(sizes[c]), "")
	}
}

// settles mocks one settling: 1 request.
func (s *testEnv) settles(in wire.SyncSettleInput, out wire.SyncSettleResult) *testsuite.MockCallWrapper {
	in.Snapshot, out.Requests = snapshot, 1
	if in.Attempts == nil {
		return s.on(wire.SyncSettleActivity, anyAttempts(in)).Return(out, nil).Once()
	}
	return s.on(wire.SyncSettleActivity, in).Return(out, nil).Once()
}

// anyAttempts accepts an input with a number of attempts for each collection.
func anyAttempts(want wire.SyncSettleInput) any {
	return mock.MatchedBy(func(got wire.SyncSettleInput) bool {
		for _, c := range got.Collections {
			if got.Attempts[c] < 1 {
				return false
			}
		}
		complete := len(got.Attempts) == len(got.Collections)
		got.Attempts = nil
		return complete && reflect.DeepEqual(want, got)
	})
}

func (s *testEnv) discards(in wire.SyncDiscardInput) *testsuite.MockCallWrapper {
	in.Snapshot = snapshot
	return s.on(wire.SyncDiscardActivity, in).Return(nil).Once()
}

func drainInput(c access.Collection, attempt int, expected *int) wire.SyncDrainInput {
	return wire.SyncDrainInput{Snapshot: snapshot, Collection: c, Attempt: attempt, Expected: expected}
}

func sizesOf(collections ...access.Collection) map[access.Collection]int {
	out := make(map[access.Collection]int, len(collections))
	for _, c := range collections {
		out[c] = sizes[c]
	}
	return out
}

// failing makes an activity that fails as activities do: with a plain error that
// the interceptor maps. Mocked values would pass it by.
func failing[In, Out any](err error) func(context.Context, In) (Out, error) {
	return func(context.Context, In) (Out, error) {
		var none Out
		return none, err
	}
}

func forbidden() error {
	return &console.Error{
		Kind: console.KindStatus, Status: 403, Code: 4030010, Title: "Insufficient permissions",
		Method: "GET", Path: "/users",
	}
}

// reply is what an update came to.
type reply struct {
	accepted bool
	rejected error
	done     bool
	decided  wire.QuarantineAnswer
	err      error
}

// send sends an update when so much time has passed.
func (s *testEnv) send(d time.Duration, update string, payload any) *reply {
	r := new(reply)
	s.at(d, func() {
		s.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
			OnAccept: func() { r.accepted = true },
			OnReject: func(err error) { r.rejected = err },
			OnComplete: func(got any, err error) {
				r.done, r.err = true, err
				if err == nil {
					r.decided, _ = got.(wire.QuarantineAnswer)
				}
			},
		}, payload)
	})
	return r
}

func by(who string) wire.QuarantineDecision { return wire.QuarantineDecision{By: who} }

// requireNoNulls fails when a list or map of the answer is null in JSON.
func requireNoNulls(t *testing.T, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.NotContains(t, string(text), "null")
}

// originalRun gives the test's run the id that a real run has.
type originalRun struct {
	interceptor.WorkerInterceptorBase

	queued time.Duration // how long no worker was there to take it
}

func (r *originalRun) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	i := &originalRunInbound{queued: r.queued}
	i.Next = next
	return i
}

type originalRunInbound struct {
	interceptor.WorkflowInboundInterceptorBase

	queued time.Duration
}

func (i *originalRunInbound) Init(out interceptor.WorkflowOutboundInterceptor) error {
	o := &originalRunOutbound{queued: i.queued}
	o.Next = out
	return i.Next.Init(o)
}

type originalRunOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	queued time.Duration
}

func (o *originalRunOutbound) GetInfo(ctx workflow.Context) *workflow.Info {
	info := *o.Next.GetInfo(ctx)
	info.OriginalRunID = snapshot
	info.WorkflowStartTime = info.WorkflowStartTime.Add(-o.queued)
	return &info
}

var errDown = errors.New("connection refused")

func countActivities(n *int) func(*activity.Info, context.Context, converter.EncodedValues) {
	return func(*activity.Info, context.Context, converter.EncodedValues) { *n++ }
}
