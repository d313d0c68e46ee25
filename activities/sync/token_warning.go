package sync

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/wire"
)

// tokenWarning is how long before its end people are told of the token, once a day.
const tokenWarning = 14 * 24 * time.Hour

func (s *Activities) warnOfToken(ctx context.Context, ends *time.Time) {
	now := s.now().UTC()
	if ends == nil || ends.Sub(now) > tokenWarning {
		return
	}
	s.notify(ctx, wire.Event{Type: wire.EventTokenExpires})
}
