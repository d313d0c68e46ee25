package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// healthTimeout bounds a health check, which the service answers at once.
const healthTimeout = 2 * time.Second

// Closed reports whether a run has ended.
func Closed(info *workflowpb.WorkflowExecutionInfo) bool {
	return info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// Unavailable says that the service does not answer, for callers that retry.
func (c *Connection) Unavailable() string {
	return fmt.Sprintf("Temporal does not answer at %s; trying again", c.Options.HostPort)
}

// NoAnswer says in a sentence why the query of a run failed with err: the service is
// down, no worker polls, a worker polls and did not answer in time, or no worker has taken the run up yet.
func (c *Connection) NoAnswer(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, err error) string {
	if Unreachable(err) || ctx.Err() != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) { // the time of the caller, not of the service
			ctx = context.WithoutCancel(ctx)
		}
		if !c.healthy(ctx) {
			return c.Unavailable()
		}
		return c.noWorkerAnswers(ctx, info, fmt.Sprintf(" within %s", queryTimeout))
	}
	if HasNoPoller(err) { // which the service says at once
		return c.noWorkerAnswers(ctx, info, "")
	}
	if _, early := errors.AsType[*serviceerror.WorkflowNotReady](err); early {
		return "waiting for a worker to start the " + noun(info)
	}
	return fmt.Sprintf("the status is not known: %v", err)
}

// HasNoPoller reports whether a query failed since the service knows no worker for it: none has polled in the last 20
// seconds or so, or the service itself was restarted.
func HasNoPoller(err error) bool {
	_, alone := errors.AsType[*serviceerror.FailedPrecondition](err)
	return alone
}

// healthy tells a service that is down from a worker that is: both leave a query
// unanswered.
func (c *Connection) healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err == nil
}

// polledLately reports whether the service remembers a worker that takes workflows from the task queue. It remembers
// one for some minutes, so the worker may be busy, or gone.
func (c *Connection) polledLately(ctx context.Context, taskQueue string) bool {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	answer, err := c.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	return err == nil && len(answer.GetPollers()) > 0
}

// noWorkerAnswers names the task queue that the run really uses, which need not be the configured one, and says whether
// a worker was there in the last minutes. within is how long a worker had to answer.
func (c *Connection) noWorkerAnswers(
	ctx context.Context, info *workflowpb.WorkflowExecutionInfo, within string,
) string {
	then := "the " + noun(info) + " continues as soon as one does"
	if Closed(info) {
		then = "the " + noun(info) + " has ended, and only a worker knows the details"
	}
	lately := ""
	if c.polledLately(ctx, info.GetTaskQueue()) {
		lately = within + ", though one has polled it in the last minutes: it is busy, or has just stopped"
	}
	return fmt.Sprintf("no worker answers on task queue %q%s; %s", info.GetTaskQueue(), lately, then)
}

// noun is what messages call a workflow.
func noun(info *workflowpb.WorkflowExecutionInfo) string {
	if info.GetType().GetName() == wire.SyncType {
		return "sync"
	}
	return "request"
}

// Cause returns the message in the failure of a workflow or an update, without the layers
// that Temporal puts around it. noun is what the message calls the workflow, as in
// "request". A failure of one of our kinds keeps it: see [kinds.Of].
func Cause(noun string, err error) error {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		message := errors.New(app.Message())
		if kind := kinds.Kind(app.Type()); kind.Known() {
			return kinds.New(kind, message)
		}
		return message
	}
	if _, ok := errors.AsType[*temporal.TerminatedError](err); ok {
		return errors.New("the " + noun + " was terminated: start it again")
	}
	if _, ok := errors.AsType[*temporal.CanceledError](err); ok {
		return errors.New("the " + noun + " was cancelled: start it again")
	}
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return errors.New("the " + noun + " exceeded its time limit: start it again")
	}
	return err
}
