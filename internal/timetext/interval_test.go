package timetext_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/timetext"
)

func TestInterval(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"1m": time.Minute, "24h": 24 * time.Hour, " 1d ": 24 * time.Hour, "1w": 7 * 24 * time.Hour,
	} {
		got, err := timetext.Interval(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for text, says := range map[string]string{
		"59s": "59s is too short: use 1m0s or more", "1ns": "too short", "367d": "too long",
		"often": "invalid duration", "": "invalid duration", "0": "must be positive", "-1h": "invalid duration",
	} {
		_, err := timetext.Interval(text)
		require.ErrorContains(t, err, says, text)
	}
}
