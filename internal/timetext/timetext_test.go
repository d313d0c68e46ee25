package timetext_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/timetext"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		edge timetext.Edge
		want time.Time
	}{
		{"2026-03-03T09:00:00Z", timetext.EndOfDay, time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)},
		{"2026-03-03T09:00:00.5+01:00", timetext.EndOfDay, time.Date(2026, 3, 3, 8, 0, 0, 5e8, time.UTC)},
		{"2026-03-03", timetext.EndOfDay, time.Date(2026, 3, 3, 23, 59, 59, 999_999_000, time.UTC)},
		{"2026-03-03", timetext.StartOfDay, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)},
		{"24h", timetext.EndOfDay, noon.Add(-24 * time.Hour)},
		{" 90m ", timetext.EndOfDay, noon.Add(-90 * time.Minute)},
		{"7d", timetext.StartOfDay, noon.Add(-7 * 24 * time.Hour)},
		{"2w", timetext.StartOfDay, noon.Add(-14 * 24 * time.Hour)},
		{"1w1d12h", timetext.StartOfDay, noon.Add(-8*24*time.Hour - 12*time.Hour)},
		{"24h ago", timetext.EndOfDay, noon.Add(-24 * time.Hour)},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := timetext.Time(tt.text, noon, tt.edge)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTime_Invalid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "yesterday", "2026-13-01", "2026-3-3", "-24h", "0d", "0h", "d", "7", "2026-03-03 09:00", "ago", "1d2w",
		"1h\n1m",
	} {
		_, err := timetext.Time(text, noon, timetext.EndOfDay)
		want := fmt.Sprintf("invalid time %q: write 2026-03-03T09:00:00Z", strings.TrimSpace(text))
		require.ErrorContains(t, err, want)
	}
}

func TestDuration_TooLong(t *testing.T) {
	t.Parallel()
	got, err := timetext.Duration("9999w99999d2562047h")
	require.NoError(t, err)
	require.Equal(t, time.Duration(math.MaxInt64), got)
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"1h", "7d", "2w3d", "", "-1h", "9999w99999d", "\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, err := timetext.Duration(text)
		if err == nil && span <= 0 {
			t.Errorf("Duration(%q) = %s", text, span)
		}
	})
}
