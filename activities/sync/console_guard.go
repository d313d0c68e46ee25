package sync

import (
	"context"

	"sentinelone-provisioner/internal/attempt"
)

// checkSnapshot fails with Conflict when the snapshot is of another console than the worker's: workers of two
// consoles poll one task queue, or the worker was configured anew during a sync. Without this check, one console's
// rows would be stored under the other's name.
func (s *Activities) checkSnapshot(ctx context.Context, snapshot string) error {
	console, err := s.store.ConsoleOf(ctx, snapshot)
	if err != nil {
		return err
	}
	return attempt.CheckConsole("sync", console, s.console.Console())
}
