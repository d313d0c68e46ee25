package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/reconciler"
	"sentinelone-provisioner/internal/stalled"
	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/writers"
)

// What other packages count is in the catalog, under the same name.
func TestMetrics_NamesOfOtherPackages(t *testing.T) {
	t.Parallel()
	require.Equal(t, telemetry.Unauthorized, activities.UnauthorizedMetric)
	require.Equal(t, telemetry.ReleaseFailures, activities.ReleaseFailuresMetric)
	require.Equal(t, telemetry.SystemReleases, reconciler.ReleasedMetric)
	require.Equal(t, telemetry.ReconcilerRun, reconciler.LastRunMetric)
	require.Equal(t, telemetry.StalledAttempts, stalled.EndedMetric)
	require.Equal(t, telemetry.WritersMended, writers.MendedMetric)
	require.Equal(t, telemetry.Undecodable, undecodableMetric)
}
