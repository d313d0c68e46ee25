package sync

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/inspect"
	"sentinelone-provisioner/internal/wire"
)

// tokenWarning is how long before its end people are told of the token, once a day.
const tokenWarning = 14 * 24 * time.Hour

func (s *Activities) warnOfToken(ctx context.Context, ends *time.Time) {
	now := s.now().UTC()
	if ends == nil || ends.Sub(now) > tokenWarning {
		return
	}
	s.notify(ctx, wire.Event{
		ID:   "token/" + s.console.Console() + "/" + now.Format(time.DateOnly),
		Type: wire.EventTokenExpires,
		At:   now,
		Text: "The API token of the worker " + inspect.Expiry(
			*ends,
			now,
		) + ": create a new token and configure the worker with it",
	})
}
