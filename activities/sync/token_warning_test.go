package sync

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// The sync notifies of the worker's own token once a day in its last two weeks: a second event of one day has the id
// of the first, and is delivered once.
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
	check(15)
	require.Empty(t, events)
	check(14)
	check(14)
	require.Len(t, events, 2)
	require.Equal(t, events[0].ID, events[1].ID)
	require.Equal(t, wire.EventTokenExpires, events[0].Type)
	require.Contains(t, events[0].Text, "The API token of the worker expires in 14 days")
	require.NotContains(t, events[0].Text, b.console.Token())
	require.Empty(t, events[0].Request)
	check(13)
	require.Len(t, events, 3)
	require.NotEqual(t, events[0].ID, events[2].ID, "each day has an event of its own")
}
