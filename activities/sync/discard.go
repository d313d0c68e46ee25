package sync

import (
	"context"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Discard drops everything a snapshot received. What was promoted before stands.
func (s *Activities) Discard(ctx context.Context, in wire.SyncDiscardInput) error {
	defer attempt.KeepAlive(ctx)()
	state := store.StateDiscarded
	if in.Failed {
		state = store.StateFailed
	}
	defer s.report(ctx)
	return s.store.Discard(ctx, in.Snapshot, store.DiscardInput{By: in.By, Why: in.Why, State: state})
}
