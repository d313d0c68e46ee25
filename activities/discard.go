package activities

import (
	"context"

	"sentinelone-provisioner/internal/store"
)

// DiscardInput drops a snapshot.
type DiscardInput struct {
	Snapshot string `json:"snapshot"`
	By       string `json:"by,omitempty"` // who decided, as claimed
	Why      string `json:"why"`
	// Failed tells a sync that broke off from one that someone discarded.
	Failed bool `json:"failed,omitempty"`
}

// Discard drops everything a snapshot received. What was promoted before stands.
func (s *Sync) Discard(ctx context.Context, in DiscardInput) error {
	defer keepAlive(ctx, nothing)()
	state := store.StateDiscarded
	if in.Failed {
		state = store.StateFailed
	}
	return s.store.Discard(ctx, in.Snapshot, store.DiscardInput{By: in.By, Why: in.Why, State: state})
}
