// Package timetext reads times and durations as people type them.
package timetext

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Edge is the end of a day that a date without a time stands for.
type Edge bool

// The two edges of a day in UTC.
const (
	StartOfDay Edge = false
	EndOfDay   Edge = true
)

// Time reads RFC 3339, a date, of whose day in UTC e says which edge is meant, or a
// duration before now. The result is in UTC; the error shows the accepted forms.
func Time(text string, now time.Time, e Edge) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		if e == EndOfDay {
			// The store counts microseconds.
			return t.AddDate(0, 0, 1).Add(-time.Microsecond), nil
		}
		return t, nil
	}
	if d, err := Duration(strings.TrimSpace(strings.TrimSuffix(text, "ago"))); err == nil {
		return now.UTC().Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("invalid time %q: write 2026-03-03T09:00:00Z, 2026-03-03, 24h or 7d", text)
}

var daysAndWeeks = regexp.MustCompile(`(?s)^(?:(\d{1,4})w)?(?:(\d{1,5})d)?(.*)$`)

// Duration reads a duration above 0: a Go duration, which weeks and days may precede.
func Duration(text string) (time.Duration, error) {
	parts := daysAndWeeks.FindStringSubmatch(text)
	var total time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour} {
		if n, err := strconv.Atoi(parts[i+1]); err == nil {
			total = sum(total, time.Duration(n)*unit)
		}
	}
	if rest := parts[3]; rest != "" || text == "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("invalid duration %.60q: write 90m, 24h or 7d", text)
		}
		total = sum(total, d)
	}
	if total <= 0 {
		return 0, fmt.Errorf("invalid duration %.60q: must be positive", text)
	}
	return total, nil
}

// sum adds two durations that are not negative. What is too long for the type, 292 years, is
// the longest one.
func sum(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
