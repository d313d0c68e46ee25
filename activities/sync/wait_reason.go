package sync

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
)

// recordWait stores the reason of a failed attempt, where the status query finds it. The reason only explains: if it
// cannot be stored, the error itself still reaches Temporal.
func (s *Activities) recordWait(
	ctx context.Context, snapshot string, c access.Collection, cause error, requests int,
) {
	detached, release := attempt.ForLastWrite(ctx)
	defer release()
	note := store.Note{Text: cause.Error(), At: s.now(), Requests: requests}
	if wait := fault.Delay(cause); wait > 0 {
		next := note.At.Add(wait)
		note.NextTry = &next
	}
	if err := s.store.Note(detached, snapshot, c, note); err != nil {
		attempt.Logger(ctx).Warn("Cannot store why the sync waits", "snapshot", snapshot, "error", err)
	}
}
