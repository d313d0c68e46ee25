// Package livestatus completes the answer to a sync's status query with how far
// its pages are, and that of a request with why it waits and who may decide it for
// others.
//
// A workflow learns of pages only when a whole collection is done, since a
// message for every page would make its history grow with the console. The
// store knows each page as it is saved, whichever worker saved it. So the
// worker's query interceptor takes the workflow's answer and fills in what the
// store says. Nothing here reaches a history, and replay never comes by.
package livestatus

import (
	"context"
	"time"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// lookupTimeout keeps a slow store from holding up the query: the answer of the
// workflow alone is better than none.
const lookupTimeout = 800 * time.Millisecond

// Source is where progress is looked up; the store implements it.
type Source interface {
	Progress(ctx context.Context, snapshot string) (store.Progress, error)
	WaitOf(ctx context.Context, console, request string) ([]store.Wait, error)
	Delegations(ctx context.Context, q store.DelegationsQuery) ([]access.Delegation, error)
}

// NewInterceptor completes status queries from source. The console is the worker's:
// requests do not know theirs before they are planned. Each of holds says why a delegation
// does not count, or nil; such a one is left out.
func NewInterceptor(
	source Source, console string, holds ...func(access.Delegation) error,
) interceptor.WorkerInterceptor {
	return &workerInterceptor{source: source, console: console, holds: holds}
}

type workerInterceptor struct {
	interceptor.WorkerInterceptorBase

	source  Source
	console string
	holds   []func(access.Delegation) error
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (w *workerInterceptor) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	i := &queryInterceptor{source: w.source, console: w.console, holds: w.holds, now: time.Now}
	i.Next = next
	return i
}

type queryInterceptor struct {
	interceptor.WorkflowInboundInterceptorBase

	source  Source
	console string
	holds   []func(access.Delegation) error
	now     func() time.Time // delegations begin and end while the workflow sleeps
}

// HandleQuery implements interceptor.WorkflowInboundInterceptor.
func (q *queryInterceptor) HandleQuery(ctx workflow.Context, in *interceptor.HandleQueryInput) (any, error) {
	answer, err := q.Next.HandleQuery(ctx, in)
	if err != nil || in.QueryType != wire.StatusQuery {
		return answer, err
	}
	lookup, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	switch status := answer.(type) {
	case wire.SyncStatus:
		return q.sync(lookup, status), nil
	case wire.RequestStatus:
		return q.delegates(lookup, q.waits(lookup, status)), nil
	}
	return answer, nil
}

func (q *queryInterceptor) sync(ctx context.Context, status wire.SyncStatus) wire.SyncStatus {
	if status.Result != nil {
		return status
	}
	progress, err := q.source.Progress(ctx, status.Snapshot)
	if err != nil {
		return status // the workflow's own answer stands
	}
	return Complete(status, progress)
}

// Complete fills in what the store knows better than the workflow: collections
// that are being walked, and why something waits.
func Complete(status wire.SyncStatus, progress store.Progress) wire.SyncStatus {
	if status.State == wire.StateChecking || status.State == wire.StateSettling {
		status.Waiting = waiting(progress.Note)
	}
	for name, c := range status.Collections {
		live, ok := progress.Collections[access.Collection(name)]
		if !ok || c.State != wire.CollectionDraining || live.Attempt != c.Attempt {
			continue
		}
		c.Pages, c.Rows, c.Waiting = live.Pages, live.Rows, waiting(live.Note)
		if live.Expected != nil {
			c.Expected = live.Expected
		}
		status.Collections[name] = c
	}
	return status
}

func waiting(n *store.Note) string {
	switch {
	case n == nil || n.Text == "":
		return ""
	case n.NextTry != nil:
		return n.Text + "; next try at " + describe.Second(*n.NextTry)
	}
	return n.Text + "; tried at " + describe.Second(n.At)
}
