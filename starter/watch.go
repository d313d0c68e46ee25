package main

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// pendingObservation is what one look at a sync saw.
type pendingObservation struct {
	// status is nil if no worker answered.
	status *wire.SyncStatus
	// trouble explains why not; watching continues.
	trouble string
	// over is true if the sync has ended: with result, or with failure.
	over    bool
	result  *wire.SyncResult
	failure error
}

// quarantined is true if the sync waits for a decision.
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
		status, err := e.SyncStatus(ctx, run)
		if err != nil {
			info := described.GetWorkflowExecutionInfo()
			return pendingObservation{trouble: e.NoAnswer(ctx, info, err)}, nil
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
		return pendingObservation{trouble: e.Unavailable()}, nil
	}
	return pendingObservation{}, fmt.Errorf("cannot follow the sync any more: %w", err)
}

// reason is the sentence in a sync's failure, without the layers Temporal puts around
// it.
func reason(err error) error { return temporalclient.Cause("sync", err) }
