package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/fault/kinds"
)

// mine refuses work on a snapshot of another console: workers of two consoles poll
// one task queue, or this one was set up anew in the middle of a sync. Going on would
// put one console's rows under the other's name.
func (s *Sync) mine(ctx context.Context, snapshot string) error {
	console, err := s.store.ConsoleOf(ctx, snapshot)
	if err != nil {
		return err
	}
	return s.serves(console)
}

func (s *Sync) serves(console string) error {
	if console == "" || console == s.console.Console() {
		return nil
	}
	return kinds.New(kinds.Conflict, fmt.Errorf("the sync is of console %s, but the worker that took it serves %s: "+
		"give each console a task queue of its own (TASK_QUEUE), then start the sync again",
		console, s.console.Console()))
}
