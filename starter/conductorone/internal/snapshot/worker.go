package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// checkTimeout bounds one look at a sync that runs.
const checkTimeout = temporalclient.CallTimeout

// Worker has the worker of a console sync it, through Temporal.
type Worker struct {
	// Console is the console's host.
	Console string
	// Connect is the connection to Temporal.
	Connect func(ctx context.Context) (*temporalclient.Connection, error)
}

// Sync implements [Syncer].
func (w Worker) Sync(ctx context.Context) (Run, error) {
	c, err := w.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.RequireWorker(ctx); err != nil {
		return nil, err
	}
	id := wire.SyncID(w.Console)
	in := wire.SyncInput{Console: w.Console} // by nobody, as a schedule does: who confirms it did not start it
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: c.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "for ConductorOne",
	}, wire.SyncType, in)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", id, c.Explain(err))
	}
	return &workflowRun{c: c, run: temporalclient.Run{WorkflowID: id, RunID: run.GetRunID()}}, nil
}

// workflowRun is one run of workflow Sync.
type workflowRun struct {
	c   *temporalclient.Connection
	run temporalclient.Run
}

// Check implements [Run].
func (r *workflowRun) Check(ctx context.Context) (ended bool, err error) {
	info, err := r.c.Info(ctx, r.run)
	if temporalclient.Unreachable(err) { // the database tells as well what becomes of it
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s cannot be followed: %w", r.run.WorkflowID, r.c.Explain(err))
	}
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var result wire.SyncResult
	if err := r.c.GetWorkflow(ctx, r.run.WorkflowID, r.run.RunID).Get(ctx, &result); err != nil {
		return true, fmt.Errorf("%s failed: %w", r.run.WorkflowID, r.explain(err))
	}
	if result.State == wire.StateQuarantined {
		return true, fmt.Errorf("%s ended without a result, since it was quarantined and discarded: see `starter "+
			"status`, then sync again", r.run.WorkflowID)
	}
	return true, nil
}

func (r *workflowRun) explain(err error) error {
	if service, is := errors.AsType[serviceerror.ServiceError](err); is {
		return r.c.Explain(service)
	}
	return temporalclient.Cause("sync", err)
}

// Waiting implements [Run].
func (r *workflowRun) Waiting(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	status, err := r.c.SyncStatus(ctx, r.run)
	if err != nil {
		return ""
	}
	return status.Waiting
}

// PollInterval is the usual pause between two looks at a sync.
const PollInterval = 500 * time.Millisecond
