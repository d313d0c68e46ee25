package pending

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

// Request is a running request that waits for decisions now.
type Request struct {
	ID     string             // workflow id
	Status wire.RequestStatus // with a plan and an open approval; of an extension see [Subjects]
}

// Finder finds pending requests. Temporal's index says which requests may be pending, in one
// call for a thousand of them; the status of each of these decides. Where the index does not
// have our search attributes, every running request is queried. It caches the last status of each
// request, for when the next query fails and for requests that are queried only once a minute. It
// is safe for concurrent use.
type Finder struct {
	temporal  *temporalclient.Connection
	taskQueue string
	now       func() time.Time

	mu     sync.Mutex
	cached map[temporalclient.Run]cachedStatus
	walked int
}

// cachedStatus is the last status of a request.
type cachedStatus struct {
	at     time.Time
	status wire.RequestStatus
	failed bool // the latest query failed
}

const (
	// restInterval is the time between two queries of a request that needs no decision, such
	// as a grant that is active for weeks.
	restInterval = time.Minute
	// queriesAtOnce bounds the queries that run side by side.
	queriesAtOnce = 8
)

// NewFinder returns a finder for the requests of one task queue; "" for all of the
// namespace.
func NewFinder(c *temporalclient.Connection, taskQueue string, now func() time.Time) *Finder {
	return &Finder{temporal: c, taskQueue: taskQueue, now: now, cached: map[temporalclient.Run]cachedStatus{}}
}

// All lists the pending requests of a console ("" for all consoles), those with the
// earliest deadline first. If no worker answers for a task queue, it queries no further
// requests of that queue.
//
// The error joins one error per request or task queue that did not answer. The list is
// nil only if the requests could not be listed at all; else it holds what is known.
func (f *Finder) All(ctx context.Context, console string) ([]Request, error) {
	running, walked, err := f.candidates(ctx, console)
	if err != nil {
		return nil, err
	}
	f.noteWalk(walked, len(running))
	r := pollRound{Finder: f, silent: map[string]bool{}, answered: map[string]bool{}}
	var group errgroup.Group
	group.SetLimit(queriesAtOnce)
	for _, info := range running {
		if f.due(temporalclient.RunOf(info)) {
			group.Go(func() error {
				r.query(ctx, info)
				return nil
			})
		}
	}
	_ = group.Wait() // no query returns an error; the round collects them
	found := []Request{}
	for _, status := range f.known(running) {
		for _, s := range Subjects(status) {
			if console == "" || s.Plan.Console == console {
				found = append(found, Request{ID: s.Request, Status: s})
			}
		}
	}
	slices.SortFunc(found, func(a, b Request) int {
		return cmp.Or(a.Status.Approval.Until.Compare(b.Status.Approval.Until), cmp.Compare(a.ID, b.ID))
	})
	return found, errors.Join(r.errs...)
}

// Walked is how many running requests the last list has gone through, since the Temporal server does
// not know our search attributes; 0 if it does.
func (f *Finder) Walked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.walked
}

func (f *Finder) noteWalk(walked bool, requests int) {
	if !walked {
		requests = 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.walked = requests
}

// For is [Finder.All] for the requests that one person, named by e-mail address, may
// approve now.
func (f *Finder) For(ctx context.Context, approver, console string) ([]Request, error) {
	all, err := f.All(ctx, console)
	return EligibleOnly(all, approver), err
}

// EligibleOnly returns those of the requests that a person may approve now. It reuses the
// array of requests.
func EligibleOnly(requests []Request, approver string) []Request {
	return slices.DeleteFunc(requests, func(r Request) bool { return !CanApprove(r.Status, approver) })
}

// due reports whether to query a request again.
func (f *Finder) due(run temporalclient.Run) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.cached[run]
	if !ok || last.failed || len(Subjects(last.status)) > 0 {
		return true
	}
	switch last.status.State {
	case wire.StateScheduled, wire.StateActive, wire.StateReleasing:
		return f.now().Sub(last.at) >= restInterval
	}
	return true
}

// known returns the last statuses of the running requests, and forgets all others.
func (f *Finder) known(running []*workflowpb.WorkflowExecutionInfo) []wire.RequestStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := map[temporalclient.Run]cachedStatus{}
	var out []wire.RequestStatus
	for _, info := range running {
		run := temporalclient.RunOf(info)
		if last, ok := f.cached[run]; ok {
			kept[run] = last
			out = append(out, last.status)
		}
	}
	f.cached = kept
	return out
}

// keep caches the result of a query.
func (f *Finder) keep(run temporalclient.Run, status wire.RequestStatus, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, known := f.cached[run]
	switch {
	case err == nil:
		f.cached[run] = cachedStatus{at: f.now(), status: status}
	case temporalclient.IsNotFound(err):
		delete(f.cached, run)
	case known:
		last.failed = true
		f.cached[run] = last
	}
}
