package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatEvery is how often a running activity says that it is alive. Well under
// the heartbeat timeout, so that a busy machine is not taken for a dead one.
const beatEvery = 2 * time.Second

// keepAlive heartbeats until stop is called, with the newest details each time.
// A worker that was killed goes quiet, and Temporal hands its work to another. An
// activity that is done sooner sends none.
func keepAlive(ctx context.Context, details func() any) (stop func()) {
	ended, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beatEvery)
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
