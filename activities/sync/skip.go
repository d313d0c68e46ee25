package sync

import (
	"context"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// scheduledBy is the search attribute that Temporal gives what a schedule starts.
const scheduledBy = "TemporalScheduledById"

// skip says why a sync that a schedule has started leaves its work to one under way, which was started otherwise:
// Temporal skips only for those of the same schedule. "" if it does not. One that began long ago holds up no other:
// it may never end.
func (s *Activities) skip(ctx context.Context, in wire.SyncBeginInput) (string, error) {
	all, err := s.store.SyncsUnderWay(ctx, s.console.Console(), s.now().Add(-fullSyncTime))
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(all, func(u store.UnderWay) bool { return u.ID == in.Snapshot }) {
		return "", nil // an attempt before this one has begun
	}
	own := attempt.RuntimeOf(ctx).Workflow
	for _, u := range all {
		if u.WorkflowID == "" || u.WorkflowID == own || !u.Covers(in.Collections) {
			continue
		}
		if !isScheduled(s.describe(ctx, own, "")) {
			return "", nil
		}
		if s.describe(ctx, u.WorkflowID, u.ID).GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return fmt.Sprintf("%s is under way since %s: it reads what this sync would have", u.WorkflowID,
				describe.Minute(u.StartedAt)), nil
		}
	}
	return "", nil
}

func isScheduled(w *workflowpb.WorkflowExecutionInfo) bool {
	_, is := w.GetSearchAttributes().GetIndexedFields()[scheduledBy]
	return is
}

// describeTimeout bounds a question to Temporal. Without an answer, the sync is not skipped.
const describeTimeout = 5 * time.Second

// describeWorkflow asks Temporal about a run of a workflow; about its latest without a run id. It returns nil where
// Temporal does not say.
func describeWorkflow(ctx context.Context, workflow, run string) *workflowpb.WorkflowExecutionInfo {
	temporal := attempt.RuntimeOf(ctx).Client
	if temporal == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	got, err := temporal.DescribeWorkflowExecution(ctx, workflow, run)
	if err != nil {
		attempt.Logger(ctx).Warn("Cannot find out whether another sync is under way: this one goes on", "error", err)
		return nil
	}
	return got.GetWorkflowExecutionInfo()
}
