package sync

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// What the database has lost of a proven drain is drained again: neither is it gone from the console,
// nor does the sync wait for it. Each case is a state from before a collection was proven, as a crash of
// the server, or a standby that was behind, leaves it.
func TestSettle_LostDrainsAreDrainedAgain(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		attempts map[access.Collection]int
		drained  []access.Collection // in this sync, by attempt 1
		lost     []access.Collection
	}{
		"a drain that never began": {nil, access.Collections()[:4], access.Collections()[4:]},
		"every drain":              {nil, nil, access.Collections()},
		"the attempt that was proven": {
			map[access.Collection]int{access.Users: 2}, access.Collections(), []access.Collection{access.Users},
		},
		"nothing, with attempts known": {map[access.Collection]int{access.Users: 1}, access.Collections(), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			b.syncAll("s1")
			b.begin("s2")
			for _, collection := range c.drained {
				b.mustDrain(wire.SyncDrainInput{Snapshot: "s2", Collection: collection, Attempt: 1})
			}
			in := settleInput("s2")
			in.Attempts = c.attempts
			got := b.mustSettle(in)
			if c.lost == nil {
				require.Equal(t, "unchanged", got.State)
				return
			}
			require.Equal(t, wire.SettledAgain, got.State, got.Reasons)
			require.ElementsMatch(t, c.lost, got.Again)
			require.Equal(t, lostWhy, got.Why)
			for _, collection := range got.Again {
				b.mustDrain(wire.SyncDrainInput{Snapshot: "s2", Collection: collection, Attempt: 3})
			}
			require.Equal(t, "unchanged", b.mustSettle(in).State)
			b.requireTruth()
		})
	}
}

// A confirmed sync of which the database has lost pages ends: what people looked at is not there.
func TestPromote_LostDrains(t *testing.T) {
	t.Parallel()
	b := quarantine(t)
	_, err := b.store.StartDrain(t.Context(), "s2", access.Users, 2) // deletes what attempt 1 received
	require.NoError(t, err)
	_, err = execute[wire.SyncSettleResult](b, wire.SyncPromoteActivity,
		wire.SyncPromoteInput{Snapshot: "s2", Collections: access.Collections(), By: ana})
	failed := attempttest.ApplicationError(t, err)
	require.Equal(t, string(kinds.Conflict), failed.Type())
	require.True(t, failed.NonRetryable())
	require.ErrorContains(t, err, "the database has lost what was received of [users]")
	require.ErrorContains(t, err, "start the sync again")
}
