package sync

import (
	"context"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Begin opens a snapshot in the store. Opening it again changes nothing. A worker of
// another console than asked for refuses with Conflict. None is opened for a sync that is skipped.
func (s *Activities) Begin(ctx context.Context, in wire.SyncBeginInput) (wire.SyncBeginResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := attempt.CheckConsole("sync", in.Console, s.console.Console()); err != nil {
		return wire.SyncBeginResult{}, err
	}
	out := wire.SyncBeginResult{Console: s.console.Console()}
	var err error
	if out.Skipped, err = s.skip(ctx, in); err != nil || out.Skipped != "" {
		return out, err
	}
	err = s.store.Begin(ctx, store.BeginInput{
		Console: s.console.Console(), ID: in.Snapshot, Collections: in.Collections, StartedAt: in.StartedAt,
		WorkflowID: attempt.RuntimeOf(ctx).Workflow,
	})
	s.report(ctx)
	return out, err
}
