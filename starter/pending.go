package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// decisionPrompt is a running request that asks people now.
type decisionPrompt struct {
	ID     string // workflow id
	Status wire.RequestStatus
}

// pendingFinder looks for the running requests that ask people. It asks Temporal alone, so that
// somebody with neither a console nor a database can decide. It keeps what each request
// has said, for when that is asked again and does not answer.
type pendingFinder struct {
	*temporalClient
	now func() time.Time
	// only is the task queue whose requests are looked at; "" for all.
	only string

	mu   sync.Mutex
	seen map[startedRun]cachedStatus
}

// cachedStatus is what a request has said last.
type cachedStatus struct {
	at     time.Time
	status wire.RequestStatus
	failed bool // the next question brought nothing
}

// restingLook is how often a request is asked that waits for nobody, such as a grant
// that is in force for weeks.
const restingLook = time.Minute

func newLookout(e *temporalClient, now func() time.Time) *pendingFinder {
	return &pendingFinder{temporalClient: e, now: now, seen: map[startedRun]cachedStatus{}}
}

// all lists the running requests that wait for anybody's word, those with the least time
// left first. An empty console means all of them. Where no worker answers for a task
// queue, its other requests are not asked.
//
// What was found is of use beside an error too, which says that the others are not known;
// it is nil only where none can be known.
func (l *pendingFinder) all(ctx context.Context, console string) ([]decisionPrompt, error) {
	running, err := l.runningRequests(ctx, l.only)
	if err != nil {
		return nil, err
	}
	r := pollRound{pendingFinder: l, silent: map[string]bool{}}
	var group errgroup.Group
	group.SetLimit(questionsAtOnce)
	for _, info := range running {
		if l.due(temporalclient.RunOf(info)) {
			group.Go(func() error {
				r.question(ctx, info)
				return nil
			})
		}
	}
	_ = group.Wait() // nobody fails
	found := []decisionPrompt{}
	for _, status := range l.known(running) {
		if isPending(status) && (console == "" || status.Plan.Console == console) {
			found = append(found, decisionPrompt{ID: status.Request, Status: status})
		}
	}
	slices.SortFunc(found, func(a, b decisionPrompt) int {
		return cmp.Or(a.Status.Approval.Until.Compare(b.Status.Approval.Until), cmp.Compare(a.ID, b.ID))
	})
	return found, errors.Join(r.troubles...)
}

// waitingFor lists those on which that person's word would count now.
func (l *pendingFinder) waitingFor(ctx context.Context, who, console string) ([]decisionPrompt, error) {
	all, err := l.all(ctx, console)
	return slices.DeleteFunc(all, func(a decisionPrompt) bool { return !canDecide(a.Status, who) }), err
}

// due says whether a request is to be asked again.
func (l *pendingFinder) due(run startedRun) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, ok := l.seen[run]
	if !ok || last.failed || isPending(last.status) {
		return true
	}
	switch last.status.State {
	case wire.StateScheduled, wire.StateActive, wire.StateReleasing:
		return l.now().Sub(last.at) >= restingLook
	}
	return true
}

// known are the last words of those that run; others are forgotten.
func (l *pendingFinder) known(running []*workflowpb.WorkflowExecutionInfo) []wire.RequestStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := map[startedRun]cachedStatus{}
	var out []wire.RequestStatus
	for _, info := range running {
		run := temporalclient.RunOf(info)
		if last, ok := l.seen[run]; ok {
			kept[run] = last
			out = append(out, last.status)
		}
	}
	l.seen = kept
	return out
}

// keep keeps the answer of a request, or that there was none.
func (l *pendingFinder) keep(run startedRun, status wire.RequestStatus, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, known := l.seen[run]
	switch {
	case err == nil:
		l.seen[run] = cachedStatus{at: l.now(), status: status}
	case temporalclient.IsNotFound(err):
		delete(l.seen, run)
	case known:
		last.failed = true
		l.seen[run] = last
	}
}
