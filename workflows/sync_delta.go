package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// deltaAttempts is how often a delta sync is tried before a full sync takes its place: an activity feed that is down
// must not hold up syncs of a console that is up.
const deltaAttempts = 4

// checkMode says what is wrong with the mode of a sync.
func checkMode(in wire.SyncInput) error {
	switch {
	case in.Mode != "" && in.Mode != wire.ModeFull && in.Mode != wire.ModeDelta:
		return fmt.Errorf("unknown mode %q: choose full or delta", in.Mode)
	case in.Mode == wire.ModeDelta && len(in.Collections) > 0:
		return fmt.Errorf("a sync of mode delta covers all collections: leave collections out, or choose mode full")
	}
	return nil
}

// followFeed runs a delta sync. Where it cannot be sure, the run goes on as a full sync.
func (s *syncRun) followFeed(ctx workflow.Context) error {
	short := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 15 * time.Minute, // 200 service users at the pace that a console allows, and much more
		HeartbeatTimeout:    heartbeat,
		WaitForCancellation: true,
		Summary:             "follow the activity feed",
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 20 * time.Second,
			MaximumAttempts: deltaAttempts,
		},
	})
	out, err := call[wire.SyncDeltaResult](short, wire.SyncDeltaActivity,
		wire.SyncDeltaInput{Snapshot: s.status.Snapshot, Console: s.console})
	if temporal.IsCanceledError(err) {
		return err
	}
	if err != nil {
		out.Full = reason(err)
	}
	s.requests += out.Settled.Requests
	if out.Full == "" {
		s.status.Console, s.settled = out.Console, out.Settled
		return nil
	}
	s.delta, s.fullBecause = false, out.Full
	return nil
}
