package pending

import (
	"context"
	"fmt"
	"sync"

	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/temporalclient"
)

// pollRound is one round of queries.
type pollRound struct {
	*Finder

	noting sync.Mutex
	silent map[string]bool // task queues without a worker that answers
	errs   []error
}

func (r *pollRound) query(ctx context.Context, info *workflowpb.WorkflowExecutionInfo) {
	if ctx.Err() != nil || r.isSilent(info.GetTaskQueue()) {
		return
	}
	run := temporalclient.RunOf(info)
	status, err := r.temporal.RequestStatus(ctx, run)
	r.keep(run, status, err)
	if err != nil && !temporalclient.IsNotFound(err) {
		r.note(ctx, info, err)
	}
}

func (r *pollRound) isSilent(queue string) bool {
	r.noting.Lock()
	defer r.noting.Unlock()
	return r.silent[queue]
}

// note collects why a query failed; for a task queue without a worker only once.
func (r *pollRound) note(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, cause error) {
	queue := info.GetTaskQueue()
	noWorker := temporalclient.HasNoPoller(cause) || temporalclient.Unreachable(cause)
	if noWorker && r.isSilent(queue) {
		return
	}
	err := fmt.Errorf("%s: %s", info.GetExecution().GetWorkflowId(), r.temporal.NoAnswer(ctx, info, cause))
	r.noting.Lock()
	defer r.noting.Unlock()
	if noWorker && r.silent[queue] {
		return
	}
	r.silent[queue] = r.silent[queue] || noWorker
	r.errs = append(r.errs, err)
}
