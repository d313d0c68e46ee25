package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// recordExtension records who extends the grant, if the change is an extension. Doing it again
// does nothing.
func (r *Request) recordExtension(ctx context.Context, in wire.ApplyInput) error {
	if in.Extension == nil {
		return nil
	}
	_, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: in.Request.ID, Key: ledger.ExtensionKey(in.Change.Key), At: in.Extension.At,
		Body: ledger.Extension{Extension: *in.Extension},
	})
	if err != nil {
		return fmt.Errorf("cannot record the extension of %s: %w", in.Request.ID, err)
	}
	return nil
}
