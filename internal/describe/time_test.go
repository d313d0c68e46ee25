package describe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

var noon = time.Date(2026, 3, 10, 12, 0, 5, 0, time.UTC)

func TestMinuteAndSecond(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		at             time.Time
		minute, second string
	}{
		"UTC":          {noon, "2026-03-10 12:00 UTC", "2026-03-10 12:00:05 UTC"},
		"another zone": {noon.In(time.FixedZone("", 7200)), "2026-03-10 12:00 UTC", "2026-03-10 12:00:05 UTC"},
		"not set":      {time.Time{}, "–", "–"},
	}
	for name, tt := range tests {
		require.Equal(t, tt.minute, describe.Minute(tt.at), name)
		require.Equal(t, tt.second, describe.Second(tt.at), name)
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"just now": 20 * time.Second, "5 min ago": 5*time.Minute + time.Second,
		"119 min ago": 119 * time.Minute, "2 h ago": 2 * time.Hour,
		"47 h ago": 47 * time.Hour, "2 days ago": 48 * time.Hour,
	} {
		require.Equal(t, want, describe.Ago(noon.Add(-d), noon))
	}
	require.Equal(t, "just now", describe.Ago(noon.Add(time.Hour), noon), "a clock that is ahead")
}

func TestLeft(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"over": 0, "<1 min": time.Second, "1 min": time.Minute, "119 min": 2*time.Hour - 1,
		"2 h": 2 * time.Hour, "47 h": 48*time.Hour - 1, "2 days": 48 * time.Hour,
	} {
		require.Equal(t, want, describe.Left(noon.Add(d), noon))
	}
	require.Equal(t, "over", describe.Left(noon.Add(-time.Hour), noon))
	require.Empty(t, describe.Left(time.Time{}, noon))
}

func TestDurationAndTerm(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 4 * time.Hour: "4h", 90 * time.Minute: "1h30m", 24 * time.Hour: "24h",
		48 * time.Hour: "2d", 60 * time.Hour: "2d12h", 366 * 24 * time.Hour: "366d",
	} {
		require.Equal(t, want, describe.Duration(access.Duration(d)))
	}
	require.Equal(t, "permanent", describe.Term(0))
	require.Equal(t, "for 7d", describe.Term(access.Duration(7*24*time.Hour)))
}
