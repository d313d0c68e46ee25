// Package attempt holds what every attempt at an activity does, whichever package the activity is in: it
// heartbeats, refuses work that belongs to another console, and finishes its last write after a cancellation.
package attempt

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/fault/kinds"
)

const (
	// workInterval is how often a working activity heartbeats. It is well under the heartbeat timeout, so that
	// Temporal does not take a busy machine for a dead one.
	workInterval = 2 * time.Second
)

// KeepAlive heartbeats every two seconds until the caller calls stop. When a worker is killed its heartbeats end,
// and Temporal gives the activity to another worker.
func KeepAlive(ctx context.Context) (stop func()) {
	return heartbeat(ctx, workInterval, func() any { return nil })
}

// KeepAliveWith heartbeats as [KeepAlive] does, with the newest progress in each heartbeat.
func KeepAliveWith(ctx context.Context, progress func() any) (stop func()) {
	return heartbeat(ctx, workInterval, progress)
}

func heartbeat(ctx context.Context, every time.Duration, progress func() any) (stop func()) {
	if isOutside(ctx) { // where nobody waits for one
		return func() {}
	}
	ended, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ended.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx, progress())
			}
		}
	}()
	return func() { cancel(); <-done }
}

// lastWriteTimeout bounds what an attempt still writes after its own context has ended.
const lastWriteTimeout = 5 * time.Second

// ForLastWrite returns a context that outlives ctx by five seconds at most, for what must be written even though the
// attempt was cancelled or has timed out. The caller calls release when the write is done.
func ForLastWrite(ctx context.Context) (detached context.Context, release context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lastWriteTimeout)
}

// CheckConsole fails with [kinds.Conflict] when work for one console reaches a worker that serves another, as
// happens where workers of two consoles poll one task queue. what names the work, as in "request". Work that names
// no console may run on any: see [RequireConsole] for work that has to name its own.
func CheckConsole(what, requested, served string) error {
	if requested == "" {
		return nil
	}
	return RequireConsole(what, requested, served)
}

// RequireConsole is [CheckConsole] for work that changes a console: its name is part of what was planned and
// recorded, so work that names none is refused too.
func RequireConsole(what, requested, served string) error {
	if requested == served {
		return nil
	}
	return kinds.New(kinds.Conflict, fmt.Errorf("the %s is for console %s, but the worker that took it serves %s: "+
		"give each console its own task queue (TASK_QUEUE), then start it again",
		what, cmp.Or(requested, "(none)"), served))
}
