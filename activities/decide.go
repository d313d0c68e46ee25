package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// PromoteInput promotes a quarantined snapshot.
type PromoteInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
	By          string              `json:"by"` // who confirmed, as claimed
}

// Promote promotes what someone confirmed, without the guard. Collections that
// another sync has overtaken meanwhile are left out: it has newer proof.
func (s *Sync) Promote(ctx context.Context, in PromoteInput) (SettleResult, error) {
	defer keepAlive(ctx, nothing)()
	got, err := s.store.Assess(ctx, in.Snapshot)
	if err != nil {
		return SettleResult{}, err
	}
	overtaken := append(got.Stale, got.Moved...)
	out := SettleResult{Warnings: staleWarnings(overtaken), At: s.now().UTC()}
	return s.promote(ctx, in.Snapshot, in.By, without(in.Collections, overtaken), out)
}

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
