package sync

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/store"
)

// The result of a sync says what is drift; one whose drift is not known ends all the same, and says so.
func TestSettle_Drift(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	var fails error
	b.sync.Explaining(func(context.Context) (store.Explanation, error) {
		return store.Explanation{Counts: drift.Counts{drift.Overdue: 2, drift.Leased: 5}}, fails
	})
	got := b.syncAll("s1")
	require.Equal(t, map[string]int{"overdue": 2, "unexplained": 0, "missing": 0, "unauthorized": 0}, got.Drift)
	require.Contains(t, got.Warnings, "drift: 2 overdue: run `starter drift`")

	fails = errors.New("the database is away")
	got = b.syncAll("s2")
	require.Equal(t, "unchanged", got.State)
	require.Nil(t, got.Drift)
	require.Contains(t, got.Warnings, "cannot tell what is drift: run `starter drift` later")
}
