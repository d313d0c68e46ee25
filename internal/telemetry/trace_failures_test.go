package telemetry

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A failure in ten minutes is told, with the number of those that were not.
func TestFailures_OneInTenMinutes(t *testing.T) {
	t.Parallel()
	var told []string
	f := newFailures(func(err error) { told = append(told, err.Error()) }, []string{"hunter2", "hunter2%2F", "x"})
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	f.now = func() time.Time { return now }
	for range 100 {
		f.Handle(errors.New("extra: hunter2%2F hunter2"))
		now = now.Add(time.Second)
	}
	require.Equal(t, []string{"extra: [redacted] [redacted]"}, told)
	now = now.Add(failurePause)
	f.Handle(errors.New("still"))
	now = now.Add(failurePause)
	f.Handle(errors.New("again " + strings.Repeat("ä", maxFailure)))
	require.Equal(t, []string{"extra: [redacted] [redacted]", "still (and 99 failures before)"}, told[:2])
	require.True(t, strings.HasPrefix(told[2], "again ää") && strings.HasSuffix(told[2], "ä…"), told[2])
	require.LessOrEqual(t, len(told[2]), maxFailure+len("…"))
}
