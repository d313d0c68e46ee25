package sync

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// The sync notifies of the worker's own token at each check in its last month. It names only what has happened:
// activity Notify.Announce asks the console, and delivers each warning once.
func TestCheck_TokenAboutToExpire(t *testing.T) {
	t.Parallel()
	ends := time.Date(2036, 1, 15, 0, 0, 0, 0, time.UTC)
	b := newSyncFixture(t, consoletest.Options{TokenExpiresAt: ends})
	var events []wire.Event
	b.sync.Notifying(func(_ context.Context, e wire.Event) { events = append(events, e) })
	b.begin("s1")
	check := func(daysBefore int) {
		b.sync.now = func() time.Time { return ends.AddDate(0, 0, -daysBefore) }
		b.mustCheck(checkInput())
	}
	check(31)
	require.Empty(t, events)
	check(30)
	check(14)
	require.Len(t, events, 2)
	for _, e := range events {
		require.Equal(t, wire.Event{Type: wire.EventTokenExpires}, e)
	}
}
