package activities

import (
	"context"
	"fmt"
	"sync"
)

// coalescer joins identical reads of plans that are made at the same moment. The zero value is ready to use.
//
// A caller never gets the answer of a read that began before the caller came, since what it plans on would be older
// than the plan: while one read of a key runs, all callers that come share the one that follows it.
type coalescer struct {
	mu     sync.Mutex
	queued map[string]*coalescedRead // by key; nil while a read runs and none follows
}

// coalescedRead is one read, and what it returned once done is closed.
type coalescedRead struct {
	read  func() (any, error)
	done  chan struct{}
	value any
	err   error
}

// coalesce returns what read returns, or what an identical read returned that began after this call. Results are not
// cached, and belong to all callers: do not change them. A read continues when one of its callers gives up, since
// others may need it.
//
// Callers that give the same key must give reads of the same type.
func coalesce[T any](
	ctx context.Context, c *coalescer, read func(context.Context) (T, error), key ...any,
) (T, error) {
	call := c.join(readKey(key...), func() (any, error) { return read(context.WithoutCancel(ctx)) })
	select {
	case <-call.done:
		value, _ := call.value.(T)
		return value, call.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// readKey is the same text for equal keys only.
func readKey(key ...any) string { return fmt.Sprintf("%q", key) }

// join returns the next read of that key to begin.
func (c *coalescer) join(key string, read func() (any, error)) *coalescedRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queued == nil {
		c.queued = map[string]*coalescedRead{}
	}
	queued, running := c.queued[key]
	if queued != nil {
		return queued
	}
	call := &coalescedRead{read: read, done: make(chan struct{})}
	if running {
		c.queued[key] = call
		return call
	}
	c.queued[key] = nil
	go c.run(key, call)
	return call
}

// run carries out a read, and each that was queued meanwhile.
func (c *coalescer) run(key string, call *coalescedRead) {
	for call != nil {
		call.value, call.err = call.read()
		close(call.done)
		call = c.next(key)
	}
}

func (c *coalescer) next(key string) *coalescedRead {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.queued[key]
	if call == nil {
		delete(c.queued, key)
		return nil
	}
	c.queued[key] = nil
	return call
}
