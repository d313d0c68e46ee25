package store

import "context"

// ConsoleOf is the console a snapshot is of. It is [ErrNoSnapshot] for an unknown one.
func (s *Store) ConsoleOf(ctx context.Context, id string) (string, error) {
	snap, err := findSnapshot(ctx, s.r, id)
	return snap.console, err
}
