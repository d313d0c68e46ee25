package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// BeginInput opens a snapshot.
type BeginInput struct {
	Snapshot    string              `json:"snapshot"` // chosen by the workflow
	Collections []access.Collection `json:"collections"`
	StartedAt   time.Time           `json:"startedAt"`
	// Console, if given, must be the one the worker serves.
	Console string `json:"console,omitempty"`
}

// BeginResult says whose snapshot it is.
type BeginResult struct {
	Console string `json:"console"` // host and port, if any
}

// Begin opens a snapshot in the store. Opening it again changes nothing. A worker of
// another console than asked for refuses with Conflict.
func (s *Sync) Begin(ctx context.Context, in BeginInput) (BeginResult, error) {
	defer keepAlive(ctx, nothing)()
	if err := s.serves(in.Console); err != nil {
		return BeginResult{}, err
	}
	err := s.store.Begin(ctx, store.BeginInput{
		Console: s.console.Console(), ID: in.Snapshot, Collections: in.Collections, StartedAt: in.StartedAt,
		WorkflowID: activity.GetInfo(ctx).WorkflowExecution.ID,
	})
	return BeginResult{Console: s.console.Console()}, err
}
