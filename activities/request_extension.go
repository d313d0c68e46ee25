package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/store"
)

// EntryExtension is the kind of a ledger entry about somebody who moved the end of a
// grant.
const EntryExtension = "extension"

// noteExtension writes down who moves the end, where the change is that. Doing it again
// does nothing.
func (r *Request) noteExtension(ctx context.Context, in ApplyInput) error {
	if in.Extension == nil {
		return nil
	}
	_, err := r.store.Append(ctx, r.console.Console(), store.NewLedgerEntry{
		Request: in.Request.ID, Kind: EntryExtension, Key: in.Change.Key + "/" + EntryExtension,
		At: in.Extension.At, Body: in.Extension,
	})
	if err != nil {
		return fmt.Errorf("write that %s was extended: %w", in.Request.ID, err)
	}
	return nil
}
