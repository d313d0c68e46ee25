package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
)

const noteTimeout = 5 * time.Second

// noteWait leaves the reason of a failed attempt in the store, where the status
// query finds it. It is an explanation only: if it cannot be written, the error
// itself still reaches Temporal.
func (s *Sync) noteWait(ctx context.Context, snapshot string, c access.Collection, cause error, requests int) {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	note := store.Note{Text: cause.Error(), At: s.now(), Requests: requests}
	if wait := fault.Delay(cause); wait > 0 {
		next := note.At.Add(wait)
		note.NextTry = &next
	}
	if err := s.store.Note(detached, snapshot, c, note); err != nil {
		activity.GetLogger(ctx).Warn("Reason for waiting was not stored", "error", err)
	}
}
