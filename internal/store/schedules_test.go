package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What workers have set up is remembered for each console, namespace and schedule.
func TestScheduleSetUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		settings := func(console, namespace, schedule string) string {
			got, err := db.s.ScheduleSetUp(t.Context(), console, namespace, schedule)
			require.NoError(t, err)
			return got
		}
		require.Empty(t, settings(acme, "n1", "sync/a"))
		for _, text := range []string{"every 24h", "every 12h"} {
			require.NoError(t, db.s.KeepScheduleSetUp(t.Context(), acme, "n1", "sync/a", text))
			require.Equal(t, text, settings(acme, "n1", "sync/a"))
		}
		require.Empty(t, settings(acme, "n2", "sync/a"), "another namespace")
		require.Empty(t, settings(acme, "n1", "sync/b"))
		require.Empty(t, settings("other.sentinelone.net", "n1", "sync/a"))
	})
}
