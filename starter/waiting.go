package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/workflows"
)

// asking is a running request that asks people now.
type asking struct {
	ID     string // workflow id
	Status workflows.RequestStatus
}

// waitingFor lists the running requests on which that person's word would count now,
// those with the least time left first. It asks Temporal alone, so that somebody with
// neither a console nor a database can decide. An empty console means all of them.
//
// What was found is of use beside an error too, which says that the others are not known.
func (e *engine) waitingFor(ctx context.Context, who, console string) ([]asking, error) {
	all, err := e.askingPeople(ctx, console)
	return slices.DeleteFunc(all, func(a asking) bool { return !counts(a.Status, who) }), err
}

// askingPeople lists the running requests that wait for anybody's word. Where no worker
// answers for a task queue, its other requests are not asked.
func (e *engine) askingPeople(ctx context.Context, console string) ([]asking, error) {
	running, err := e.runningRequests(ctx)
	if err != nil {
		return nil, err
	}
	r := round{engine: e, silent: map[string]bool{}}
	var group errgroup.Group
	group.SetLimit(questionsAtOnce)
	for _, info := range running {
		group.Go(func() error {
			r.question(ctx, info, console)
			return nil
		})
	}
	_ = group.Wait() // nobody fails
	slices.SortFunc(r.found, func(a, b asking) int {
		return cmp.Or(a.Status.Consent.Until.Compare(b.Status.Consent.Until), cmp.Compare(a.ID, b.ID))
	})
	return r.found, errors.Join(r.troubles...)
}

// round is one round of questions.
type round struct {
	*engine

	mu       sync.Mutex
	silent   map[string]bool // task queues for which nobody answers
	found    []asking
	troubles []error
}

func (r *round) question(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, console string) {
	if ctx.Err() != nil || r.isSilent(info.GetTaskQueue()) {
		return
	}
	id := info.GetExecution().GetWorkflowId()
	status, err := r.requestStatus(ctx, started{WorkflowID: id, RunID: info.GetExecution().GetRunId()})
	switch {
	case isGone(err):
	case err != nil:
		r.note(ctx, info, err)
	case asks(status) && (console == "" || status.Plan.Console == console):
		r.mu.Lock()
		r.found = append(r.found, asking{ID: id, Status: status})
		r.mu.Unlock()
	}
}

func (r *round) isSilent(queue string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silent[queue]
}

// note keeps why a request did not answer: once for a task queue without a worker.
func (r *round) note(ctx context.Context, info *workflowpb.WorkflowExecutionInfo, cause error) {
	_, alone := errors.AsType[*serviceerror.FailedPrecondition](cause)
	nobody := alone || temporalclient.Unreachable(cause)
	if nobody && r.isSilent(info.GetTaskQueue()) {
		return
	}
	trouble := fmt.Errorf("%s: %s", info.GetExecution().GetWorkflowId(), r.unanswered(ctx, info, cause))
	r.mu.Lock()
	defer r.mu.Unlock()
	if nobody && r.silent[info.GetTaskQueue()] {
		return
	}
	r.silent[info.GetTaskQueue()] = r.silent[info.GetTaskQueue()] || nobody
	r.troubles = append(r.troubles, trouble)
}

// runningRequests lists the requests that may ask people, as Temporal has them; one that
// was started this second may be missing.
func (e *engine) runningRequests(ctx context.Context) ([]*workflowpb.WorkflowExecutionInfo, error) {
	query := fmt.Sprintf("ExecutionStatus = 'Running' AND WorkflowType IN ('%s')", strings.Join([]string{
		workflows.GrantType, workflows.RevokeType, workflows.OffboardType,
		workflows.ProvisionUserType, workflows.ProvisionServiceUserType,
	}, "', '"))
	var out []*workflowpb.WorkflowExecutionInfo
	for page := []byte(nil); ; {
		short, cancel := context.WithTimeout(ctx, callTimeout)
		answer, err := e.ListWorkflow(short, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: e.opts.Namespace, Query: query, PageSize: pageOfRequests, NextPageToken: page,
		})
		cancel()
		if err != nil {
			return nil, fmt.Errorf("list the running requests: %w", e.explain(err))
		}
		out = append(out, answer.GetExecutions()...)
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return out, nil
		}
	}
}

const pageOfRequests = 1000

// asks says whether a request waits for anybody's word, before it is carried out or
// about one that started at once.
func asks(s workflows.RequestStatus) bool {
	return s.Plan != nil && s.Consent != nil && s.Consent.Verdict == "" && s.Result == nil &&
		s.Consent.Step < s.Consent.Steps
}

// counts says whether a person's word would count now, as the workflow sees it: the step
// that is open lists them, they have neither asked for the role nor would get it, and
// have not decided yet.
func counts(s workflows.RequestStatus, who string) bool {
	by := access.Fold(who)
	if !asks(s) || by == "" || by == access.Fold(s.Requester) || by == access.Fold(s.Plan.Principal.Email) {
		return false
	}
	if slices.ContainsFunc(s.Consent.Decisions, func(d access.Decision) bool { return isWordOf(d, by) }) {
		return false
	}
	return anyoneMay(s.Consent) || slices.Contains(s.Consent.People, by)
}

// isWordOf says that a decision is somebody's one word on a request: they took it, or
// another did for them.
func isWordOf(d access.Decision, who string) bool {
	by := access.Fold(who)
	return by == access.Fold(d.By) || by == access.Fold(d.OnBehalfOf)
}

// anyoneMay says that the open step lists nobody: everybody may decide.
func anyoneMay(c *workflows.ConsentStatus) bool {
	return len(c.People) == 0 || slices.Contains(c.From, access.Anyone)
}

// isGone says that Temporal does not know a workflow.
func isGone(err error) bool {
	_, gone := errors.AsType[*serviceerror.NotFound](err)
	return gone
}
