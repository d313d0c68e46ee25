package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	p := &app{now: func() time.Time { return noon }}
	at := func(hours int) *time.Time { return new(noon.Add(time.Duration(hours) * time.Hour)) }
	lasting := func(hours int) *access.Duration { return new(access.Duration(time.Duration(hours) * time.Hour)) }
	tests := []struct {
		name               string
		lasts, until, from string
		duration           *access.Duration
		start              *time.Time
	}{
		{name: "permanent"},
		{name: "for a time", lasts: "7d", duration: lasting(7 * 24)},
		{name: "from then on", from: "2h", start: at(2)},
		{name: "later, and so long", lasts: "4h", from: "2026-03-10T13:00:00Z", duration: lasting(4), start: at(1)},
		{name: "until a time is exact", until: "2026-03-10T15:00:00Z", duration: lasting(3), start: at(0)},
		{name: "until so far ahead", until: "5h", from: "1h", duration: lasting(4), start: at(1)},
		{
			name: "a day is a whole one", until: "2026-03-11", from: "2026-03-11", start: at(12),
			duration: new(access.Duration(24*time.Hour - time.Microsecond)),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			duration, start, err := p.span(grantOptions{lasts: tt.lasts, until: tt.until, start: tt.from})
			require.NoError(t, err)
			require.Equal(t, tt.duration, duration)
			require.Equal(t, tt.start, start)
		})
	}
	for _, bad := range []struct{ lasts, until, from, want string }{
		{lasts: "0h", want: "must be positive"},
		{lasts: "-4h", want: `invalid duration "-4h"`},
		{lasts: "400d", want: "--for: 400d is too long: the maximum is 8784h"},
		{lasts: "long", want: "--for: "},
		{until: "2026-03-10T11:00:00Z", want: "--until: 2026-03-10 11:00:00 UTC is in the past"},
		{until: "1h", from: "2h", want: "before it starts at 2026-03-10 14:00:00 UTC"},
		{until: "soon", want: "--until: "},
		{from: "soon", want: "--start: "},
	} {
		_, _, err := p.span(grantOptions{lasts: bad.lasts, until: bad.until, start: bad.from})
		require.ErrorContains(t, err, bad.want)
		require.Equal(t, exitUsage, exitCode(marked(err)))
	}
}
