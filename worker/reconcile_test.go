package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/activity/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sentinelone-provisioner/internal/stalled"
)

// stalledTemporal has one open request, whose attempt began an hour ago.
type stalledTemporal struct{ client.Client }

func (stalledTemporal) ListWorkflow(
	context.Context, *workflowservice.ListWorkflowExecutionsRequest,
) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{
		{Execution: &common.WorkflowExecution{WorkflowId: "grant/INC-42", RunId: "run"}},
	}}, nil
}

func (stalledTemporal) DescribeWorkflowExecution(
	context.Context, string, string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{PendingActivities: []*workflowpb.PendingActivityInfo{{
		ActivityType: &common.ActivityType{Name: "Request.Apply"}, State: enums.PENDING_ACTIVITY_STATE_STARTED,
		LastStartedTime: timestamppb.New(time.Now().Add(-time.Hour)),
		ActivityOptions: &activity.ActivityOptions{StartToCloseTimeout: durationpb.New(time.Minute)},
	}}}, nil
}

func (stalledTemporal) CompleteActivityByID(context.Context, string, string, string, string, any, error) error {
	return nil
}

// counts counts what is counted, by name.
type counts struct {
	client.MetricsHandler

	of map[string]int64
}

func (c counts) Counter(name string) client.MetricsCounter { return count{c, name} }

type count struct {
	counts

	name string
}

func (c count) Inc(n int64) { c.of[c.name] += n }

// An attempt that was ended is logged and counted.
func TestEndStalled(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	counted := counts{client.MetricsNopHandler, map[string]int64{}}
	w := overdueWork{log: slog.New(slog.NewTextHandler(&log, nil)), metrics: counted}
	require.NoError(t, w.endStalled(t.Context(), stalledTemporal{}, &stalled.Looker{}))
	require.Contains(t, log.String(),
		`msg="An attempt outlived its timeout, and is made again" request=grant/INC-42 activity=Request.Apply since=`)
	require.Equal(t, map[string]int64{stalled.EndedMetric: 1}, counted.of)
}
