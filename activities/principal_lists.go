package activities

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
)

// withoutLists lets what ends access go on where a list of roles is gone: only what is given waits.
func (w *changeAttempt) withoutLists(ctx context.Context, err error) error {
	switch {
	case !errors.Is(err, store.ErrNoList):
		return err
	case w.endsAccess():
		attempt.Logger(ctx).Error("Access ends without a list of roles that the ledger names",
			"change", w.key, "error", err)
		return nil
	}
	return kinds.New(kinds.Unavailable, fmt.Errorf("access is not given on a ledger that was changed: %w", err))
}

// loadLists brings back the lists of roles that entries have left out.
func (w *changeAttempt) loadLists(ctx context.Context, in ...store.Listing) error {
	err := w.store.LoadLists(ctx, w.consoleName, in...)
	if err != nil {
		return w.withoutLists(ctx, err)
	}
	return nil
}
