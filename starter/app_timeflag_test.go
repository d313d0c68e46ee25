package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestParseTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		edge edge
		want time.Time
	}{
		{"2026-03-03T09:00:00Z", endOfDay, time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)},
		{"2026-03-03T09:00:00.5+01:00", endOfDay, time.Date(2026, 3, 3, 8, 0, 0, 5e8, time.UTC)},
		{"2026-03-03", endOfDay, time.Date(2026, 3, 3, 23, 59, 59, 999_999_000, time.UTC)},
		{"2026-03-03", startOfDay, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)},
		{"24h", endOfDay, noon.Add(-24 * time.Hour)},
		{" 90m ", endOfDay, noon.Add(-90 * time.Minute)},
		{"7d", startOfDay, noon.Add(-7 * 24 * time.Hour)},
		{"2w", startOfDay, noon.Add(-14 * 24 * time.Hour)},
		{"1w1d12h", startOfDay, noon.Add(-8*24*time.Hour - 12*time.Hour)},
		{"24h ago", endOfDay, noon.Add(-24 * time.Hour)},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := parseTime(tt.text, noon, tt.edge)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestParseTime_NoTime(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "yesterday", "2026-13-01", "2026-3-3", "-24h", "0d", "0h", "d", "7", "2026-03-03 09:00", "ago", "1d2w",
	} {
		_, err := parseTime(text, noon, endOfDay)
		want := fmt.Sprintf("invalid time %q: write 2026-03-03T09:00:00Z", strings.TrimSpace(text))
		require.ErrorContains(t, err, want)
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"1h", "7d", "2w3d", "", "-1h", "9999w99999d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, err := parseSpan(text)
		if err == nil && span <= 0 {
			t.Errorf("parseSpan(%q) = %s", text, span)
		}
	})
}
