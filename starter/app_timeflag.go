package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// timeHelp is the part of a flag's help that says how to write a time.
const timeHelp = "RFC 3339, a date (UTC), or how long ago: 24h, 7d"

// edge is the end of a day that a bare date stands for.
type edge bool

const (
	startOfDay edge = false
	endOfDay   edge = true
)

// parseTime reads a time: RFC 3339, a bare date, of whose day in UTC e says which end is
// meant, or how long before now. The error shows the ways to write one.
func parseTime(text string, now time.Time, e edge) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		if e == endOfDay {
			// The store counts microseconds.
			return t.AddDate(0, 0, 1).Add(-time.Microsecond), nil
		}
		return t, nil
	}
	if d, err := parseSpan(strings.TrimSpace(strings.TrimSuffix(text, "ago"))); err == nil {
		return now.UTC().Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("invalid time %q: write 2026-03-03T09:00:00Z, 2026-03-03, 24h or 7d", text)
}

var daysAndWeeks = regexp.MustCompile(`^(?:(\d{1,4})w)?(?:(\d{1,5})d)?(.*)$`)

// parseSpan reads a duration above 0: a Go duration, which weeks and days may precede.
func parseSpan(text string) (time.Duration, error) {
	parts := daysAndWeeks.FindStringSubmatch(text)
	var span time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour} {
		if n, err := strconv.Atoi(parts[i+1]); err == nil {
			span += time.Duration(n) * unit
		}
	}
	if rest := parts[3]; rest != "" || text == "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("invalid duration %q: write 90m, 24h or 7d", text)
		}
		span += d
	}
	if span <= 0 {
		return 0, fmt.Errorf("invalid duration %q: must be positive", text)
	}
	return span, nil
}

// timeFlag reads an optional time from a flag; nil if the flag is empty.
func (p *app) timeFlag(name, text string, e edge) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	t, err := parseTime(text, p.now(), e)
	if err != nil {
		return nil, usage("--%s: %w", name, err)
	}
	return &t, nil
}

// aheadHelp is [timeHelp] for times in the future.
const aheadHelp = "RFC 3339, a date (UTC), or how far ahead: 4h, 7d"

// aheadFlag reads an optional time in the future from a flag; nil if the flag is empty. A
// duration counts from now.
func (p *app) aheadFlag(name, text string, e edge) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	if d, err := parseSpan(strings.TrimSpace(text)); err == nil {
		return new(p.now().UTC().Add(d)), nil
	}
	return p.timeFlag(name, text, e)
}
