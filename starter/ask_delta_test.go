//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// An answer that rests on a delta sync says how old that may be which the delta has not read.
func TestAccess_AfterADelta(t *testing.T) {
	f := newFixture(t)
	at := f.sync(host, "s1", scene())
	const note = "note: that was a delta sync; what the activity feed did not name is as old as the full sync of "
	require.NotContains(t, run(t, "access").errOut, note)
	require.NotContains(t, run(t, "access", "-o", "json").out, "fullProvenAt")

	feed, err := f.db.Feed(t.Context(), host, "")
	require.NoError(t, err)
	changed := access.Principal{
		Kind: access.ServiceUser, ID: "501", Name: "svc.copy", Level: access.Tenant,
		Held: []access.HeldRole{{RoleID: "301"}},
	}
	_, err = f.db.ApplyDelta(t.Context(), store.DeltaInput{
		Console: host, ID: "d1", StartedAt: time.Now(), Base: feed.Base, Feed: store.FeedProgress{ReadAt: time.Now()},
		Parts: map[access.Collection]store.DeltaPart{
			access.Users:        {Entities: []access.Entity{ana("301", "302")}},
			access.ServiceUsers: {Entities: []access.Entity{changed}},
		},
	})
	require.NoError(t, err)
	require.Contains(t, run(t, "access").errOut, note+describe.Minute(at))
	var got struct {
		Snapshot     string    `json:"snapshot"`
		FullProvenAt time.Time `json:"fullProvenAt"`
	}
	require.NoError(t, json.Unmarshal([]byte(run(t, "access", "-o", "json").out), &got))
	require.Equal(t, "d1", got.Snapshot)
	require.True(t, at.Equal(got.FullProvenAt))
}
