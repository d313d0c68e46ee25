package stalled

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var began = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// fakeTemporal has a page of one open request after the other, each with one activity that started at began.
type fakeTemporal struct {
	client.Client

	order []string
	state *workflowpb.PendingActivityInfo
	ended []string
	gone  bool
}

func (f *fakeTemporal) ListWorkflow(
	_ context.Context, in *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	at := len(in.NextPageToken)
	if at >= len(f.order) {
		return nil, errors.New("no such page")
	}
	out := &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{
		{Execution: &common.WorkflowExecution{WorkflowId: f.order[at], RunId: "r"}},
	}}
	if at+1 < len(f.order) {
		out.NextPageToken = make([]byte, at+1)
	}
	return out, nil
}

func (f *fakeTemporal) DescribeWorkflowExecution(
	context.Context, string, string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.gone {
		return nil, serviceerror.NewNotFound("gone")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		PendingActivities: []*workflowpb.PendingActivityInfo{f.state},
	}, nil
}

func (f *fakeTemporal) CompleteActivityByID(
	_ context.Context, _, workflow, run, id string, _ any, err error,
) error {
	f.ended = append(f.ended, workflow+" "+run+" "+id+": "+err.Error())
	return nil
}

func started() *workflowpb.PendingActivityInfo {
	return &workflowpb.PendingActivityInfo{
		ActivityId: "11", ActivityType: &common.ActivityType{Name: "Request.Apply"},
		State: enums.PENDING_ACTIVITY_STATE_STARTED, LastStartedTime: timestamppb.New(began),
		ActivityOptions: &activity.ActivityOptions{StartToCloseTimeout: durationpb.New(time.Minute)},
	}
}

// An attempt that outlived its timeout is ended, so that another one is made; nothing else is touched.
func TestLook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after  time.Duration
		change func(*fakeTemporal)
		ended  bool
	}{
		"stalled":        {3*time.Minute + time.Second, func(*fakeTemporal) {}, true},
		"within grace":   {3*time.Minute - time.Second, func(*fakeTemporal) {}, false},
		"request closed": {time.Hour, func(f *fakeTemporal) { f.gone = true }, false},
		"paused":         {time.Hour, func(f *fakeTemporal) { f.state.Paused = true }, false},
		"waits for a worker": {time.Hour, func(f *fakeTemporal) {
			f.state.State = enums.PENDING_ACTIVITY_STATE_SCHEDULED
		}, false},
		"timeout unknown": {time.Hour, func(f *fakeTemporal) { f.state.ActivityOptions = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeTemporal{order: []string{"grant/INC-1"}, state: started()}
			tc.change(f)
			l := &Looker{Now: func() time.Time { return began.Add(tc.after) }}
			found, err := l.Look(t.Context(), f)
			require.NoError(t, err)
			if !tc.ended {
				require.Empty(t, found)
				require.Empty(t, f.ended)
				return
			}
			require.Equal(t, []Finding{{Request: "grant/INC-1", Activity: "Request.Apply", Since: began}}, found)
			require.Len(t, f.ended, 1)
			require.Contains(t, f.ended[0], "grant/INC-1 r 11: the attempt outlived its timeout")
		})
	}
}

// Each look continues where the one before ended, and begins anew behind the last request.
func TestLook_AllInTurn(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{order: []string{"grant/1", "grant/2"}, state: started()}
	l := &Looker{Now: func() time.Time { return began.Add(time.Hour) }}
	var seen []string
	for range 3 {
		found, err := l.Look(t.Context(), f)
		require.NoError(t, err)
		seen = append(seen, found[0].Request)
	}
	require.Equal(t, []string{"grant/1", "grant/2", "grant/1"}, seen)
	f.order = nil
	_, err := l.Look(t.Context(), f)
	require.ErrorContains(t, err, "cannot list the open requests")
}
