package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/schedule"
)

var now = time.Date(2026, 11, 30, 6, 0, 0, 0, time.UTC)

// A cron expression is taken if Temporal reads it the same way and no two of its times are less than a minute apart.
func TestEachCron(t *testing.T) {
	t.Parallel()
	for text, gap := range map[string]time.Duration{
		"30 3 * * *": 24 * time.Hour, "  30  3 * * MON-FRI ": 24 * time.Hour, "*/1 * * * *": time.Minute,
		"@hourly": time.Hour, "0 9,11 * * *": 2 * time.Hour, "CRON_TZ=Europe/Berlin 0 3 * * *": 23 * time.Hour,
		"TZ=UTC @daily": 24 * time.Hour,
	} {
		got, err := schedule.EachCron(text, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		require.NoError(t, err, text)
		require.Equal(t, gap, got.CatchUp, text)
		require.Equal(t, strings.Join(strings.Fields(text), " "), got.Cron)
	}
	for text, says := range map[string]string{
		"often": "five fields", "": "five fields", "* * * *": "five fields", "61 * * * *": "five fields",
		"*/5 * * * * *": "five fields", "0/10 * * * * * *": "five fields", "@every 10s": "is an interval",
		"@sometimes": "five fields", "0 3 * * 7": "from 0 for Sunday", "0 0 31 2 *": "never comes",
		"CRON_TZ=Mars/Olympus 0 3 * * *": `unknown time zone "Mars/Olympus"`, "CRON_TZ= 0 3 * * *": "unknown time zone",
		"CRON_TZ=Local 0 3 * * *": "unknown time zone", "0 3 * * * # daily": "five fields", "0 3 ? * *": "five fields",
		"0 3 * * " + strings.Repeat("1,", 200) + "1": "at most 200",
	} {
		_, err := schedule.EachCron(text, now)
		require.ErrorContains(t, err, says, text)
	}
}

func TestSpec_JitterAndCatchUp(t *testing.T) {
	t.Parallel()
	hourly := schedule.EachInterval(time.Hour)
	require.Equal(t, time.Hour, hourly.CatchUp, "one interval")
	require.Equal(t, "every 1h", hourly.String())
	wide, err := hourly.WithCatchUp(48 * time.Hour)
	require.NoError(t, err)
	got, err := wide.WithJitter(59 * time.Minute)
	require.NoError(t, err)
	require.Equal(t, 59*time.Minute, got.Jitter)
	require.Equal(t, 48*time.Hour, got.CatchUp)
	_, err = wide.WithJitter(time.Hour)
	require.ErrorContains(t, err, "use less than 1h")
	_, err = wide.WithJitter(-1)
	require.Error(t, err)
	_, err = hourly.WithCatchUp(9 * time.Second)
	require.ErrorContains(t, err, "10s to 366d")

	cron, err := schedule.EachCron("*/10 * * * *", now)
	require.NoError(t, err)
	require.Equal(t, "*/10 * * * *", cron.String())
	cron, err = cron.WithCatchUp(time.Hour)
	require.NoError(t, err)
	_, err = cron.WithJitter(10 * time.Minute)
	require.ErrorContains(t, err, "use less than 10m", "the catch-up window is no interval")
}
