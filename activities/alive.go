package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatEvery is how often a running activity says that it is alive. Well under
// the heartbeat timeout, so that a busy machine is not taken for a dead one.
const beatEvery = 2 * time.Second

// waitBeat is for an activity that only waits for somebody else's work: each beat costs
// the server a write, and many may wait at once.
const waitBeat = 15 * time.Second

// keepAlive heartbeats until stop is called, with the newest details each time.
// A worker that was killed goes quiet, and Temporal hands its work to another. An
// activity that is done sooner sends none.
func keepAlive(ctx context.Context, details func() any) (stop func()) {
	return keepBeating(ctx, beatEvery, details)
}

func keepBeating(ctx context.Context, every time.Duration, details func() any) (stop func()) {
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
				activity.RecordHeartbeat(ctx, details())
			}
		}
	}()
	return func() { cancel(); <-done }
}

func nothing() any { return nil }
