package sync

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/console"
)

// No activity hides another one that no sync has seen, whatever ids a console sends. One that was seen is old news,
// unless nothing tells it from a later one.
func TestReader_TellsActivitiesApart(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	all := []console.Activity{
		{ID: "1", UserID: "2"},
		{ID: "1", UserID: "3"},
		{ID: "1"},
		{ID: "2", UserID: "1"},
		{ID: "1/2", UserID: "3"},
		{ID: "1", UserID: "2/3"},
		{ID: "1/2/3"},
		{ID: "/1", UserID: "2"},
		{ID: "/"},
		{UserID: "2"},
		{UserID: "3"},
		{UserID: "/"},
		{},
		{ID: "/", UserID: "/1"},
		{ID: "//1"},
		{ID: "3/1", UserID: "/2"},
		{ID: "3/1//2"},
		{UserID: "1/23/4"},
	}
	for i, a := range all {
		a.Type, a.CreatedAt = 24, now
		seen := reader{now: now, seen: map[string]bool{}, taken: map[console.Activity]bool{}}
		var kept feedNews
		seen.take([]console.Activity{a}, &kept)
		require.Len(t, kept.seen(), 1)
		seen.seen[kept.seen()[0].ID] = true
		seen.taken = map[console.Activity]bool{}
		for k, b := range all {
			b.Type, b.CreatedAt = 24, now
			var out feedNews
			seen.take([]console.Activity{b}, &out)
			require.Equal(t, i != k, len(out.entries) == 1, "%q %q hides %q %q", a.ID, a.UserID, b.ID, b.UserID)
		}
		later := a
		later.CreatedAt = now.Add(time.Second)
		var out feedNews
		seen.now = later.CreatedAt
		seen.take([]console.Activity{later}, &out)
		isKnown := a.ID != "" && a.ID[0] != '/' && len(a.ID) == 1
		require.Equal(t, !isKnown, len(out.entries) == 1, "%q of a second later", a.ID)
	}
	timeless := console.Activity{UserID: "2", Type: 24}
	var out feedNews
	r := reader{now: now, seen: map[string]bool{seenKey(timeless): true}, taken: map[console.Activity]bool{}}
	r.take([]console.Activity{timeless}, &out)
	require.Len(t, out.entries, 1, "nothing tells it from a later one")
}
