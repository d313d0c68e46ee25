package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/temporalclient"
)

// pollRound is one round of questions.
type pollRound struct {
	*pendingFinder

	noting   sync.Mutex
	silent   map[string]bool // task queues for which nobody answers
	troubles []error
}

func (r *pollRound) question(ctx context.Context, info *workflowpb.WorkflowExecutionInfo) {
	if ctx.Err() != nil || r.isSilent(info.GetTaskQueue()) {
		return
	}
	run := temporalclient.RunOf(info)
	status, err := r.RequestStatus(ctx, run)
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

// note keeps why a request did not answer: once for a task queue without a worker.
func (r *pollRound) note(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, cause error) {
	_, alone := errors.AsType[*serviceerror.FailedPrecondition](cause)
	nobody := alone || temporalclient.Unreachable(cause)
	if nobody && r.isSilent(info.GetTaskQueue()) {
		return
	}
	trouble := fmt.Errorf("%s: %s", info.GetExecution().GetWorkflowId(), r.NoAnswer(ctx, info, cause))
	r.noting.Lock()
	defer r.noting.Unlock()
	if nobody && r.silent[info.GetTaskQueue()] {
		return
	}
	r.silent[info.GetTaskQueue()] = r.silent[info.GetTaskQueue()] || nobody
	r.troubles = append(r.troubles, trouble)
}
