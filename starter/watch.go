package main

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

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// pollEvery is how often a watched sync is asked how far it is: quick enough for
// a bar to move, slow enough not to be a load.
const pollEvery = 500 * time.Millisecond

// pendingObservation is what one look at a sync saw.
type pendingObservation struct {
	// status is nil when nobody answered for it.
	status *wire.SyncStatus
	// trouble says why not, in a sentence; watching goes on.
	trouble string
	// over says that the sync has ended: with result, or with failure.
	over    bool
	result  *wire.SyncResult
	failure error
}

// quarantined says that the sync waits for someone to decide.
func (s pendingObservation) quarantined() bool {
	return !s.over && s.status != nil && s.status.State == wire.StateQuarantined &&
		s.status.Quarantine != nil && s.status.Quarantine.Decision == ""
}

// look asks Temporal whether the sync has ended, and a worker how far it is. An
// error means that looking again is of no use; what passes is in the sighting.
func (e *temporalClient) look(ctx context.Context, run startedRun) (pendingObservation, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	described, err := e.DescribeWorkflowExecution(ctx, run.WorkflowID, run.RunID)
	if err != nil {
		return e.trouble(err)
	}
	if described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		status, err := e.status(ctx, run)
		if err != nil {
			info := described.GetWorkflowExecutionInfo()
			return pendingObservation{trouble: e.unanswered(ctx, info, err)}, nil
		}
		return pendingObservation{status: &status}, nil
	}
	var result wire.SyncResult
	err = e.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(ctx, &result)
	switch {
	case err == nil:
		return pendingObservation{over: true, result: &result}, nil
	case temporalclient.Unreachable(err):
		return e.trouble(err)
	default:
		return pendingObservation{over: true, failure: reason(err)}, nil
	}
}

func (e *temporalClient) trouble(err error) (pendingObservation, error) {
	if temporalclient.Unreachable(err) {
		return pendingObservation{trouble: e.silent()}, nil
	}
	return pendingObservation{}, fmt.Errorf("the sync cannot be watched any more: %w", err)
}

func (e *temporalClient) silent() string {
	return fmt.Sprintf("Temporal does not answer at %s; trying again", e.opts.HostPort)
}

// noun is what messages call a workflow.
func noun(info *workflowpb.WorkflowExecutionInfo) string {
	if info.GetType().GetName() == wire.SyncType {
		return "sync"
	}
	return "request"
}

// unmanned says that no worker answers on the task queue that the workflow really uses.
func unmanned(info *workflowpb.WorkflowExecutionInfo) string {
	then := "the " + noun(info) + " goes on as soon as one does"
	if closed(info) {
		then = "the " + noun(info) + " has ended, and only a worker knows the details"
	}
	return fmt.Sprintf("no worker answers on task queue %q; %s", info.GetTaskQueue(), then)
}

// healthy tells a service that is down from a worker that is: both leave a
// question unanswered.
func (e *temporalClient) healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	_, err := e.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err == nil
}

// unanswered says why a worker did not answer for a workflow.
func (e *temporalClient) unanswered(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, err error) string {
	if temporalclient.Unreachable(err) || ctx.Err() != nil {
		if !e.healthy(ctx) {
			return e.silent()
		}
		return unmanned(info)
	}
	// The service knows of no poller, as after its own restart.
	if _, alone := errors.AsType[*serviceerror.FailedPrecondition](err); alone {
		return unmanned(info)
	}
	if _, early := errors.AsType[*serviceerror.WorkflowNotReady](err); early {
		return "waiting for a worker to take the " + noun(info) + " up"
	}
	return fmt.Sprintf("the status is not known: %v", err)
}

const (
	// queryTimeout bounds a question to a worker, which may be gone.
	queryTimeout = 5 * time.Second
	// healthTimeout bounds a question to the service itself, which answers at once.
	healthTimeout = 2 * time.Second
)

// status is the sync's own answer.
func (e *temporalClient) status(ctx context.Context, run startedRun) (wire.SyncStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var status wire.SyncStatus
	value, err := e.QueryWorkflow(ctx, run.WorkflowID, run.RunID, wire.StatusQuery)
	if err != nil {
		return status, err
	}
	if err := value.Get(&status); err != nil {
		return status, fmt.Errorf("the answer of %s is not a sync's status: %w", run.WorkflowID, err)
	}
	return status, nil
}

// reason is the sentence in a sync's failure, without the layers Temporal puts around
// it.
func reason(err error) error { return reasonOf("sync", err) }

// reasonOf is reason for any workflow, by its noun.
func reasonOf(noun string, err error) error {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return errors.New(app.Message())
	}
	if _, ok := errors.AsType[*temporal.TerminatedError](err); ok {
		return errors.New("the " + noun + " was terminated: start it again")
	}
	if _, ok := errors.AsType[*temporal.CanceledError](err); ok {
		return errors.New("the " + noun + " was cancelled: start it again")
	}
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return errors.New("the " + noun + " took longer than it was allowed to: start it again")
	}
	return err
}
