package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
)

// Before the first sync nothing is verified, and nothing waits.
func TestMeasures_Empty(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t := db.t
		got, err := db.s.Measures(t.Context(), acme, began)
		require.NoError(t, err)
		require.Zero(t, got.SyncedAt)
		require.Zero(t, got.OldestPending)
		require.Equal(t, 0, got.Pending+got.Begun+got.Overdue+got.Quarantined+got.Assignments)
		require.Nil(t, got.Head)
		require.Len(t, got.Drift, len(drift.Drifts()))
	})
}

// The age is that of the collection that was verified longest ago, and unknown while one never was.
func TestMeasures_Syncs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s, w := db.t, db.s, smallWorld()
		syncOnce(t, s, acme, "sync-1", w, access.Users, access.Roles)
		got, err := s.Measures(t.Context(), acme, began)
		require.NoError(t, err)
		require.Zero(t, got.SyncedAt, "the sites were never read")
		require.Equal(t, len(w.of(access.Users)), got.Rows[access.Users])
		require.Equal(t, 0, got.Rows[access.Sites])

		syncOnce(t, s, acme, "sync-2", w)
		all, err := s.Measures(t.Context(), acme, began)
		require.NoError(t, err)
		latest, err := s.Latest(t.Context(), acme, nil)
		require.NoError(t, err)
		require.Equal(t, latest.StartedAt, all.SyncedAt)

		syncOnce(t, s, acme, "sync-3", w, access.Users)
		one, err := s.Measures(t.Context(), acme, began)
		require.NoError(t, err)
		require.Equal(t, all.SyncedAt, one.SyncedAt, "the other collections are as old as before")
		for _, c := range access.Collections() {
			require.Equal(t, len(w.of(c)), one.Rows[c], c)
		}
		require.Len(t, expected(w).Assignments, one.Assignments)

		receive(t, s, acme, "sync-4", w)
		require.NoError(t, s.Quarantine(t.Context(), "sync-4", []string{"a loss"}))
		held, err := s.Measures(t.Context(), acme, began)
		require.NoError(t, err)
		require.Equal(t, 1, held.Quarantined)
	})
}

// A request is pending until something of it is sent, and open until its receipt; other consoles do not count.
func TestMeasures_Requests(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		asked(t, s, "other.example.com", "grant/1 request")
		entries := asked(t, s, acme,
			"grant/1 request", "grant/1 write", "grant/1 receipt", // done
			"grant/2 request", "grant/2 plan", // pending, since the fourth minute
			"grant/3 request", "grant/3 write", // begun
			"grant/1 request#again", // pending, under an id that has written before
		)
		got, err := s.Measures(t.Context(), acme, began.Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, 2, got.Pending)
		require.Equal(t, 1, got.Begun)
		require.Equal(t, began.Add(3*time.Minute), got.OldestPending)
		require.Equal(t, int64(len(entries)), got.Head.Seq)
		require.Equal(t, int64(len(entries)), got.Behind)
	})
}

// What is overdue follows from claims and clock; other drift from the last explanation.
func TestMeasures_Drift(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		d.claim(d.lease("INC-1", time.Hour))
		due := d.now.Add(time.Hour)
		got, err := d.s.Measures(d.Context(), acme, due)
		require.NoError(d, err)
		require.Equal(d, 0, got.Overdue)
		got, err = d.s.Measures(d.Context(), acme, due.Add(2*time.Minute))
		require.NoError(d, err)
		require.Equal(d, 1, got.Overdue)
		require.Equal(d, int64(0), got.Behind)

		d.edit("402", access.HeldRole{RoleID: "303", ScopeID: "101"}, access.HeldRole{RoleID: "302", ScopeID: "102"})
		d.sync()
		d.explain()
		got, err = d.s.Measures(d.Context(), acme, d.now)
		require.NoError(d, err)
		require.Equal(d, 1, got.Drift[drift.Unexplained])
	})
}
