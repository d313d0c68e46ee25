// Package stalled looks after requests whose activity outlived its timeout. Temporal ends such an attempt by a timer,
// and that timer can be lost: an activity that was paused and unpaused while its worker died stayed "started" for ever
// (server 1.29). The request would wait for it without end, though its access had ended.
package stalled

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// EndedMetric counts the attempts that were ended.
const EndedMetric = "sentinelone_stalled_attempts"

const (
	// perLook is how many requests one look takes. The next one continues behind them.
	perLook = 200
	// grace is how long after its timeout an attempt counts as stalled: clocks differ, and Temporal may be busy.
	grace = 2 * time.Minute
	// retryPause is the pause before the next attempt.
	retryPause = time.Second
)

// Finding is an attempt that was ended.
type Finding struct {
	Request  string // workflow id
	Activity string // type
	Since    time.Time
}

// Looker looks at the open requests of one task queue. Use it from one goroutine.
type Looker struct {
	Namespace string
	TaskQueue string
	Now       func() time.Time // nil: [time.Now]

	page []byte // where the next look continues
}

// Look looks at the next requests, and has each activity attempted again whose attempt should have ended. An attempt
// that runs after all changes nothing: activities are idempotent, and what writes has a lock.
//
// The errors are Temporal's.
func (l *Looker) Look(ctx context.Context, temporal client.Client) ([]Finding, error) {
	answer, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: l.Namespace, PageSize: perLook, NextPageToken: l.page,
		Query: fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowType IN ('%s') AND TaskQueue = '%s'",
			strings.Join(wire.RequestTypes(), "', '"), strings.ReplaceAll(l.TaskQueue, "'", `\'`)),
	})
	l.page = answer.GetNextPageToken() // from the start after an error
	if err != nil {
		return nil, fmt.Errorf("cannot list the open requests: %w", err)
	}
	var (
		out    []Finding
		faults []error
	)
	for _, info := range answer.GetExecutions() {
		found, err := l.lookAt(ctx, temporal, info)
		out, faults = append(out, found...), append(faults, err)
	}
	return out, errors.Join(faults...)
}

// lookAt ends the stalled attempts of one request.
func (l *Looker) lookAt(
	ctx context.Context, temporal client.Client, info *workflowpb.WorkflowExecutionInfo,
) (out []Finding, err error) {
	run := info.GetExecution()
	is, err := temporal.DescribeWorkflowExecution(ctx, run.GetWorkflowId(), run.GetRunId())
	if err != nil {
		return nil, ignoreGone(err)
	}
	for _, a := range is.GetPendingActivities() {
		if !l.stalled(a) {
			continue
		}
		again := fault.Translate(kinds.RetryIn(kinds.New(kinds.Unavailable,
			errors.New("the attempt outlived its timeout, and Temporal did not end it")), retryPause))
		err := temporal.CompleteActivityByID(ctx, l.Namespace, run.GetWorkflowId(), run.GetRunId(), a.GetActivityId(),
			nil, again)
		if err != nil {
			return out, ignoreGone(err)
		}
		out = append(out, Finding{
			Request: run.GetWorkflowId(), Activity: a.GetActivityType().GetName(),
			Since: a.GetLastStartedTime().AsTime(),
		})
	}
	return out, nil
}

// stalled says whether an attempt should have ended. One that somebody has paused is left alone.
func (l *Looker) stalled(a *workflowpb.PendingActivityInfo) bool {
	now := time.Now
	if l.Now != nil {
		now = l.Now
	}
	most := a.GetActivityOptions().GetStartToCloseTimeout().AsDuration()
	if a.GetState() != enums.PENDING_ACTIVITY_STATE_STARTED || a.GetPaused() || most <= 0 {
		return false
	}
	return a.GetLastStartedTime() != nil && now().After(a.GetLastStartedTime().AsTime().Add(most+grace))
}

// ignoreGone is nil for an error that says that the request, or the attempt, has ended meanwhile.
func ignoreGone(err error) error {
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	return err
}
