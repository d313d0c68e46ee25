package sync

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/wire"
)

// warnOfToken has people told that the worker's token ends soon, also where the connection is not checked: once for
// each of the warnings.
func (s *Activities) warnOfToken(ctx context.Context, ends *time.Time) {
	if ends == nil || connection.WarningDue(*ends, s.now().UTC()) == 0 {
		return
	}
	s.notify(ctx, wire.Event{Type: wire.EventTokenExpires})
}
