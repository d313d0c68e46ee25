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

	noting   sync.Mutex
	silent   map[string]bool // task queues without a worker that answers
	answered map[string]bool // task queues with a worker that has answered in this round
	errs     []error
}

func (r *pollRound) query(ctx context.Context, info *workflowpb.WorkflowExecutionInfo) {
	if ctx.Err() != nil || r.isSilent(info.GetTaskQueue()) {
		return
	}
	run := temporalclient.RunOf(info)
	status, err := r.temporal.RequestStatus(ctx, run)
	r.keep(run, status, err)
	switch {
	case err == nil:
		r.noting.Lock()
		r.answered[info.GetTaskQueue()] = true
		r.noting.Unlock()
	case !temporalclient.IsNotFound(err):
		r.note(ctx, info, err)
	}
}

// isBusy says that the workers of a queue answer, but did not answer this query in time.
func (r *pollRound) isBusy(queue string, cause error) bool {
	r.noting.Lock()
	defer r.noting.Unlock()
	return r.answered[queue] && temporalclient.Unreachable(cause)
}

func (r *pollRound) isSilent(queue string) bool {
	r.noting.Lock()
	defer r.noting.Unlock()
	return r.silent[queue]
}

// note collects why a query failed; for a task queue without a worker only once.
func (r *pollRound) note(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, cause error) {
	queue := info.GetTaskQueue()
	busy := r.isBusy(queue, cause)
	noWorker := !busy && (temporalclient.HasNoPoller(cause) || temporalclient.Unreachable(cause))
	if noWorker && r.isSilent(queue) {
		return
	}
	why := fmt.Sprintf("the workers on task queue %q are busy and did not answer in time: try again", queue)
	if !busy {
		why = r.temporal.NoAnswer(ctx, info, cause)
	}
	err := fmt.Errorf("%s: %s", info.GetExecution().GetWorkflowId(), why)
	r.noting.Lock()
	defer r.noting.Unlock()
	if noWorker && r.silent[queue] {
		return
	}
	r.silent[queue] = r.silent[queue] || noWorker
	r.errs = append(r.errs, err)
}
