package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// Only syncs of this console that receive data and began after the time are under way, the latest first, each with the
// collections that it reads.
func TestSyncsUnderWay(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t := db.t
		began := time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)
		for _, in := range []store.BeginInput{
			{Console: acme, ID: "old", WorkflowID: "old", StartedAt: began.Add(-time.Second)},
			{Console: acme, ID: "all", WorkflowID: "sync/acme", StartedAt: began},
			{Console: "globex.example.net", ID: "theirs", WorkflowID: "sync/globex", StartedAt: began},
			{Console: acme, ID: "failed", WorkflowID: "failed", StartedAt: began},
			{
				Console: acme, ID: "some", WorkflowID: "nightly", StartedAt: began.Add(time.Hour),
				Collections: []access.Collection{access.Users, access.Roles},
			},
			{Console: acme, ID: "unnamed", StartedAt: began, Collections: []access.Collection{access.Sites}},
		} {
			require.NoError(t, db.s.Begin(t.Context(), in))
		}
		require.NoError(t, db.s.Discard(t.Context(), "failed", store.DiscardInput{State: store.StateFailed}))
		got, err := db.s.SyncsUnderWay(t.Context(), acme, began)
		require.NoError(t, err)
		some := []access.Collection{access.Roles, access.Users}
		require.Equal(t, []store.UnderWay{
			{ID: "unnamed", StartedAt: began, Collections: []access.Collection{access.Sites}},
			{ID: "some", WorkflowID: "nightly", StartedAt: began.Add(time.Hour), Collections: some},
			{ID: "all", WorkflowID: "sync/acme", StartedAt: began, Collections: got[len(got)-1].Collections},
		}, got)
		require.ElementsMatch(t, access.Collections(), got[2].Collections)
		require.True(t, got[2].Covers(access.Collections()))
		require.True(t, got[1].Covers(some[:1]))
		require.False(t, got[1].Covers([]access.Collection{access.Users, access.Sites}))
	})
}
