package activities

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

const (
	// readsAtOnce is how many reads of a batcher wait for the console at once. More would take the rate budget one
	// principal at a time before any could be read together.
	readsAtOnce = 4
	// mostPerBatch is the most principals that one request names: 20 digits each, so that the URL stays short.
	mostPerBatch = 100
)

// principalReader reads principals from a console.
type principalReader interface {
	HasRoom(kind access.Kind) bool
	Principal(ctx context.Context, kind access.Kind, id string) (access.Principal, error)
	PrincipalsByID(ctx context.Context, kind access.Kind, ids []string) ([]access.Principal, error)
}

// principalBatcher reads principals by id, for plans and for proofs of writes. While the rate budget is spent, it reads
// up to [mostPerBatch] of them in one request. A principal is never read before its caller came, and results are not
// cached.
type principalBatcher struct {
	from principalReader

	mu     sync.Mutex
	active int
	queued map[access.Kind][]*principalCall
}

// principalCall is one caller's read.
type principalCall struct {
	id   string
	done chan struct{}
	read access.Principal
	err  error
}

// find returns one principal, or the error of [console.Client.Principal].
func (b *principalBatcher) find(ctx context.Context, kind access.Kind, id string) (access.Principal, error) {
	if b.from.HasRoom(kind) {
		return b.from.Principal(ctx, kind, id)
	}
	call := &principalCall{id: id, done: make(chan struct{})}
	b.join(context.WithoutCancel(ctx), kind, call) // others of the batch may need what this caller gives up
	select {
	case <-call.done:
		return call.read, call.err
	case <-ctx.Done():
		return access.Principal{}, ctx.Err()
	}
}

func (b *principalBatcher) join(ctx context.Context, kind access.Kind, call *principalCall) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queued == nil {
		b.queued = map[access.Kind][]*principalCall{}
	}
	b.queued[kind] = append(b.queued[kind], call)
	if b.active < readsAtOnce {
		b.active++
		go b.run(ctx)
	}
}

// run reads until no caller is left.
func (b *principalBatcher) run(ctx context.Context) {
	for {
		kind, calls := b.next()
		if len(calls) == 0 {
			return
		}
		b.read(ctx, kind, calls)
	}
}

func (b *principalBatcher) next() (access.Kind, []*principalCall) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for kind, calls := range b.queued { // both kinds get a turn: the order of a map is arbitrary
		n := min(len(calls), mostPerBatch)
		if b.queued[kind] = calls[n:]; len(b.queued[kind]) == 0 {
			delete(b.queued, kind)
		}
		return kind, calls[:n]
	}
	b.active--
	return "", nil
}

// read answers the calls. What the list does not show is read on its own: only that tells whether it exists.
func (b *principalBatcher) read(ctx context.Context, kind access.Kind, calls []*principalCall) {
	found, err := b.list(ctx, kind, calls)
	for _, call := range calls {
		switch p, ok := found[call.id]; {
		case ok:
			call.read = p
		case err != nil && !listUnfit(err):
			call.err = err
		default:
			call.read, call.err = b.from.Principal(ctx, kind, call.id)
		}
		close(call.done)
	}
}

// list returns what the list shows of the calls' principals, by id; nothing for a single one.
func (b *principalBatcher) list(
	ctx context.Context, kind access.Kind, calls []*principalCall,
) (map[string]access.Principal, error) {
	if len(calls) == 1 {
		return nil, nil
	}
	ids := make([]string, 0, len(calls))
	for _, call := range calls {
		ids = append(ids, call.id)
	}
	rows, err := b.from.PrincipalsByID(ctx, kind, ids)
	found := map[string]access.Principal{}
	for _, p := range rows {
		found[p.ID] = p
	}
	return found, err
}

// listUnfit says that the error is about the list, so that a single principal may be readable all the same.
func listUnfit(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	if !ok {
		return false
	}
	switch answer.Kind { //nolint:exhaustive // in the others the console gave no answer
	case console.KindNotSent, console.KindTooLarge, console.KindMalformed:
		return true
	}
	switch answer.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusRequestURITooLong:
		return true
	}
	return false
}
