package main

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// busyAnswers answers each query of grant/INC-1 with the next of its statuses: nil, and those after the last one, with
// none in time.
type busyAnswers struct {
	client.Client

	statuses []*wire.RequestStatus
}

func (b *busyAnswers) QueryWorkflow(
	ctx context.Context, id, _, _ string, _ ...any,
) (converter.EncodedValue, error) {
	if id != wire.GrantID("INC-1") {
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	var next *wire.RequestStatus
	if len(b.statuses) > 0 {
		next, b.statuses = b.statuses[0], b.statuses[1:]
	}
	if next == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	payload, err := converter.GetDefaultDataConverter().ToPayloads(*next)
	return client.NewValue(payload), err
}

func (b *busyAnswers) DescribeWorkflowExecution(
	context.Context, string, string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{TaskQueue: "q"},
	}, nil
}

func (b *busyAnswers) DescribeTaskQueue(
	context.Context, string, enumspb.TaskQueueType,
) (*workflowservice.DescribeTaskQueueResponse, error) {
	return &workflowservice.DescribeTaskQueueResponse{}, nil
}

func (b *busyAnswers) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, nil
}

// Who waits for a plan goes on waiting while a busy worker leaves a query unanswered, for as long as their patience
// lasts.
func TestPlanned_BusyWorker(t *testing.T) {
	t.Parallel()
	planning := &wire.RequestStatus{Request: "grant/INC-1", State: wire.StatePlanning}
	plan := access.Plan{Op: access.OpGrant}.Seal()
	asked := &wire.RequestStatus{Request: "grant/INC-1", State: wire.StateAwaitingApproval, Plan: &plan}
	for _, c := range []struct {
		name     string
		statuses []*wire.RequestStatus
		fails    string
		waits    bool // for as long as they may
	}{
		{"answered again", []*wire.RequestStatus{planning, nil, planning, nil, asked}, "", false},
		{"never again", []*wire.RequestStatus{planning}, "no worker answers on task queue", true},
		{"not at first", []*wire.RequestStatus{nil, asked}, "no worker answers on task queue", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &busyAnswers{statuses: c.statuses}
				d := pendingDecision{
					app: &app{err: io.Discard}, patience: 30 * time.Second,
					client: requestclient.Client{Temporal: &temporalclient.Connection{Client: b}},
				}
				began := time.Now()
				id, got, err := d.planned(t.Context(), "INC-1")
				if c.fails != "" {
					require.ErrorContains(t, err, c.fails)
				} else {
					require.NoError(t, err)
					require.Equal(t, wire.StateAwaitingApproval, got.State)
				}
				require.Equal(t, "grant/INC-1", id)
				require.Equal(t, c.waits, time.Since(began) >= d.patience)
			})
		})
	}
}
