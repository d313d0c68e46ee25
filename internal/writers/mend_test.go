package writers

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	activitypb "go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// theWriter is the writer that was asked.
var theWriter = wire.Writer{
	WorkflowID: "principal/c/user/7", WorkflowType: wire.PrincipalType, TaskQueue: "q",
	Start: wire.WriterStart{Console: "c", Kind: access.User, ID: "7"},
}

type description = workflowservice.DescribeWorkflowExecutionResponse

// described is what Temporal says of a writer that is well, with changes.
func described(change func(*description)) *description {
	is := &description{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: theWriter.WorkflowID, RunId: "run"},
			Type:      &common.WorkflowType{Name: wire.PrincipalType}, TaskQueue: "q",
			Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
		},
	}
	change(is)
	return is
}

// task is a workflow task that has waited for so long.
func task(waited time.Duration) *workflowpb.PendingWorkflowTaskInfo {
	return &workflowpb.PendingWorkflowTaskInfo{
		OriginalScheduledTime: timestamppb.New(now.Add(-waited)), Attempt: 3,
	}
}

// write is the writer's activity as it is while the writer is well.
func write() *workflowpb.PendingActivityInfo {
	return &workflowpb.PendingActivityInfo{
		ActivityId: "5", ActivityType: &common.ActivityType{Name: wire.WriteActivity},
		ActivityOptions: &activitypb.ActivityOptions{TaskQueue: &taskqueue.TaskQueue{Name: wire.WriteQueue("q")}},
	}
}

// What is found under a writer's id, and whether the writer itself is asked: a query waits for a worker, so one that
// has a workflow task to do, or works on a change, is not asked.
func TestMend(t *testing.T) {
	t.Parallel()
	const ends, queries = "TerminateWorkflow", "QueryWorkflow"
	for name, c := range map[string]struct {
		change func(*description)
		fault  Fault
		text   string
		calls  []string
	}{
		"well": {func(*description) {}, "", "", []string{queries}},
		"has ended": {func(is *description) {
			is.WorkflowExecutionInfo.Status = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
		}, "", "", nil},
		"another type": {func(is *description) {
			is.WorkflowExecutionInfo.Type.Name = wire.SyncType
		}, Foreign, "it is a workflow of type Sync", []string{ends}},
		"another queue": {func(is *description) {
			is.WorkflowExecutionInfo.TaskQueue = "other"
		}, Foreign, "it runs on task queue other instead of q", []string{ends}},
		"its task waits": {func(is *description) { is.PendingWorkflowTask = task(silence - time.Second) }, "", "", nil},
		"its task waits too long": {func(is *description) {
			is.PendingWorkflowTask = task(silence)
		}, Silent, "no worker could continue it for 1m0s (attempt 3)", []string{ends}},
		"works": {func(is *description) {
			is.PendingActivities = []*workflowpb.PendingActivityInfo{write()}
		}, "", "", nil},
		"its activity waits elsewhere": {func(is *description) {
			a := write()
			a.ActivityOptions.TaskQueue.Name = "nobody"
			is.PendingActivities = []*workflowpb.PendingActivityInfo{a}
		}, Silent, "its activity Principal.Write waits on task queue nobody", []string{ends}},
		"its activity waits for years": {func(is *description) {
			a := write()
			a.NextAttemptScheduleTime = timestamppb.New(now.Add(furthestRetry + time.Second))
			is.PendingActivities = []*workflowpb.PendingActivityInfo{a}
		}, Silent, "its activity Principal.Write is not tried again before 2026-03-01T12:15:01Z", []string{ends}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporal := &mocks.Client{}
			temporal.On("DescribeWorkflowExecution", mock.Anything, theWriter.WorkflowID, "").
				Return(described(c.change), nil)
			for _, call := range c.calls {
				switch call {
				case ends:
					temporal.On(ends, mock.Anything, theWriter.WorkflowID, "run", mock.Anything).Return(nil)
				case queries:
					temporal.On(queries, mock.Anything, theWriter.WorkflowID, "run", wire.StatusQuery).
						Return(statusOf(t, theWriter.Start), nil)
				}
			}
			got, err := aMender(temporal).mend(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.fault, got.Fault)
			require.Contains(t, got.Text, c.text)
			temporal.AssertExpectations(t)
		})
	}
}

// The writer of another principal is terminated; one that does not answer the question whose it is may be busy.
func TestMend_OtherPrincipal(t *testing.T) {
	t.Parallel()
	other := theWriter.Start
	other.ID = "9"
	for name, c := range map[string]struct {
		answer converter.EncodedValue
		err    error
		fault  Fault
	}{
		"another principal's": {answer: statusOf(t, other), fault: Foreign},
		"no answer":           {err: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporal := &mocks.Client{}
			temporal.On("DescribeWorkflowExecution", mock.Anything, theWriter.WorkflowID, "").
				Return(described(func(*description) {}), nil)
			temporal.On("QueryWorkflow", mock.Anything, theWriter.WorkflowID, "run", wire.StatusQuery).
				Return(c.answer, c.err)
			if c.fault != "" {
				temporal.On("TerminateWorkflow", mock.Anything, theWriter.WorkflowID, "run", mock.Anything).Return(nil)
			}
			got, err := aMender(temporal).mend(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.fault, got.Fault)
			if c.fault != "" {
				require.Contains(t, got.Text, "it is the writer of user 9 on c")
			}
			temporal.AssertExpectations(t)
		})
	}
}

// Whoever floods the writer of another principal with signals, or has it try a change again and again, does not keep it
// from being found: after a wrong answer, and while a change is stuck, it is asked whose it is.
func TestMend_OtherPrincipalIsBusy(t *testing.T) {
	t.Parallel()
	other := theWriter.Start
	other.ID = "9"
	works := func(attempt int32) func(*description) {
		return func(is *description) {
			a := write()
			a.Attempt = attempt
			is.PendingActivities = []*workflowpb.PendingActivityInfo{a}
		}
	}
	flooded := func(is *description) { is.PendingWorkflowTask = task(0) }
	for name, c := range map[string]struct {
		change  func(*description)
		suspect bool
		is      wire.WriterStart
		fault   Fault
	}{
		"flooded, after a wrong answer":    {flooded, true, other, Foreign},
		"working, after a wrong answer":    {works(1), true, other, Foreign},
		"stuck":                            {works(stuckAfter + 1), false, other, Foreign},
		"the writer, after a wrong answer": {flooded, true, theWriter.Start, ""},
		"the writer is stuck":              {works(100), false, theWriter.Start, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			temporal := &mocks.Client{}
			temporal.On("DescribeWorkflowExecution", mock.Anything, theWriter.WorkflowID, "").
				Return(described(c.change), nil)
			temporal.On("QueryWorkflow", mock.Anything, theWriter.WorkflowID, "run", wire.StatusQuery).
				Return(statusOf(t, c.is), nil)
			if c.fault != "" {
				temporal.On("TerminateWorkflow", mock.Anything, theWriter.WorkflowID, "run", mock.Anything).Return(nil)
			}
			m := aMender(temporal)
			m.suspect = c.suspect
			got, err := m.mend(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.fault, got.Fault)
			temporal.AssertExpectations(t)
		})
	}
}

// A writer that is not there, or ends while it is looked at, needs nothing.
func TestMend_Gone(t *testing.T) {
	t.Parallel()
	temporal := &mocks.Client{}
	temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, "").
		Return((*description)(nil), serviceerror.NewNotFound("gone")).Once()
	got, err := aMender(temporal).mend(t.Context())
	require.NoError(t, err)
	require.Equal(t, Finding{}, got)

	temporal.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, "").
		Return(described(func(is *description) {
			is.PendingWorkflowTask = task(silence)
		}), nil)
	temporal.On("TerminateWorkflow", mock.Anything, theWriter.WorkflowID, "run", mock.Anything).
		Return(serviceerror.NewNotFound("it has ended"))
	got, err = aMender(temporal).mend(t.Context())
	require.NoError(t, err)
	require.Equal(t, Finding{}, got)
}

func aMender(temporal *mocks.Client) mender {
	return mender{
		temporal: temporal, namespace: "default", writer: theWriter,
		now: func() time.Time { return now }, since: now.Add(-time.Hour),
	}
}

func statusOf(t *testing.T, start wire.WriterStart) converter.EncodedValue {
	t.Helper()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(wire.PrincipalStatus{WriterStart: start})
	require.NoError(t, err)
	out := &mocks.Value{}
	out.On("Get", mock.Anything).Run(func(args mock.Arguments) {
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(payloads, args.Get(0)))
	}).Return(nil)
	return out
}
