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
// A worker that was killed goes quiet, and Temporal hands its work to another.
func keepAlive(ctx context.Context, details func() any) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			activity.RecordHeartbeat(ctx, details())
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

func nothing() any { return nil }
