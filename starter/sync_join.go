package main

import (
	"context"
	"fmt"
	"slices"

	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// mostSyncs is how many running syncs are looked at. Usually there is one.
const mostSyncs = 20

// runningElsewhere finds a full sync that was started under any id and reads all that in asks for; without a run id if
// there is none. Where Temporal or its worker does not say, there is none: two syncs at once are not wrong.
func (e *temporalClient) runningElsewhere(ctx context.Context, in wire.SyncInput) startedRun {
	if in.Mode == wire.ModeDelta || in.Console == "" {
		return startedRun{}
	}
	asked, err := access.ParseCollections(in.Collections)
	if err != nil {
		return startedRun{}
	}
	short, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := e.ListWorkflow(short, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: e.Options.Namespace, PageSize: mostSyncs,
		Query: fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running' AND TaskQueue = %q", wire.SyncType,
			e.TaskQueue),
	})
	if err != nil {
		return startedRun{}
	}
	for _, info := range answer.GetExecutions() {
		run := startedRun{WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId()}
		status, err := e.SyncStatus(ctx, run)
		if err == nil && status.Console == in.Console && reads(status, asked) {
			return run
		}
	}
	return startedRun{}
}

// reads says that a sync is about to read all of the collections. A delta sync lists none, and one that is quarantined
// has read them already.
func reads(s wire.SyncStatus, asked []access.Collection) bool {
	switch s.State {
	case wire.StateChecking, wire.StateDraining, wire.StateSettling:
	default:
		return false
	}
	return !slices.ContainsFunc(asked, func(c access.Collection) bool {
		_, has := s.Collections[string(c)]
		return !has
	})
}
