// Package livestatus completes the answer to a status query with what the workflow cannot know:
// how far the pages of a sync are, why a request waits, and who may decide it for others.
//
// A workflow learns of pages only when a whole collection is done, since a message for every page
// would make its history grow with the console. The store knows each page as it is saved. The
// status query itself reads the workflow's state only, so that it costs a worker nothing but
// memory. Whoever asks, and can read the store, completes the answer with a [Completer].
package livestatus

import (
	"context"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// lookupTimeout keeps a slow store from holding up the answer: that of the workflow alone is
// better than none.
const lookupTimeout = 2 * time.Second

// Source is where live facts are looked up; the store implements it.
type Source interface {
	Progress(ctx context.Context, snapshot string) (store.Progress, error)
	WaitOf(ctx context.Context, console, request string) ([]store.Wait, error)
	Delegations(ctx context.Context, q store.DelegationsQuery) ([]access.Delegation, error)
}

// Completer completes statuses from a store. If the store does not answer, the status stays as
// the workflow answered it. It is safe for concurrent use.
type Completer struct {
	open    func(context.Context) (Source, error)
	console string
	holds   []func(access.Delegation) error
	now     func() time.Time
}

// NewCompleter completes statuses from what open returns, which is called for each status that
// needs it; nil for no store. A request that is not planned yet does not know its console: it is
// taken to be console. Each of holds says why a delegation does not count, or nil; such a one is
// left out.
func NewCompleter(
	open func(context.Context) (Source, error), console string, holds ...func(access.Delegation) error,
) *Completer {
	return &Completer{open: open, console: console, holds: holds, now: time.Now}
}

// From is the open of [NewCompleter] for a store that is open.
func From(s Source) func(context.Context) (Source, error) {
	return func(context.Context) (Source, error) { return s, nil }
}

// Sync completes the status of a sync.
func (c *Completer) Sync(ctx context.Context, status wire.SyncStatus) wire.SyncStatus {
	if status.Result != nil {
		return status
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	source, err := c.source(ctx)
	if err != nil {
		return status // the workflow's own answer stands
	}
	progress, err := source.Progress(ctx, status.Snapshot)
	if err != nil {
		return status
	}
	return Complete(status, progress)
}

// Request completes the status of a request.
func (c *Completer) Request(ctx context.Context, status wire.RequestStatus) wire.RequestStatus {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return c.delegates(ctx, c.waits(ctx, status))
}

func (c *Completer) source(ctx context.Context) (Source, error) {
	if c.open == nil {
		return nil, store.ErrNotReady
	}
	return c.open(ctx)
}

// Complete fills in what the store knows better than the workflow: collections that are being
// drained, and why something waits. It does not change the map of the given status.
func Complete(status wire.SyncStatus, progress store.Progress) wire.SyncStatus {
	if status.State == wire.StateChecking || status.State == wire.StateSettling {
		status.Waiting = waiting(progress.Note)
	}
	collections := make(map[string]wire.CollectionStatus, len(status.Collections))
	for name, c := range status.Collections {
		live, ok := progress.Collections[access.Collection(name)]
		if ok && c.State == wire.CollectionDraining && live.Attempt == c.Attempt {
			c.Pages, c.Rows, c.Waiting = live.Pages, live.Rows, waiting(live.Note)
			if live.Expected != nil {
				c.Expected = live.Expected
			}
		}
		collections[name] = c
	}
	status.Collections = collections
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

// counting leaves out the delegations that do not count.
func (c *Completer) counting(all []access.Delegation) []access.Delegation {
	return slices.DeleteFunc(all, func(d access.Delegation) bool {
		return slices.ContainsFunc(c.holds, func(holds func(access.Delegation) error) bool { return holds(d) != nil })
	})
}
