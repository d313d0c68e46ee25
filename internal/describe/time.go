package describe

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

const day = 24 * time.Hour

// none stands for a time that is not set.
const none = "–"

// Minute is a time in UTC to the minute, as in "2026-03-03 14:00 UTC"; "–" for the zero
// time.
func Minute(t time.Time) string { return format(t, "2006-01-02 15:04 UTC") }

// Second is a time in UTC to the second, for evidence and deadlines, as in
// "2026-03-03 14:00:05 UTC"; "–" for the zero time.
func Second(t time.Time) string { return format(t, "2006-01-02 15:04:05 UTC") }

func format(t time.Time, layout string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(layout)
}

// Ago is how long before now t was, in one unit: "just now", "5 min ago", "3 days ago".
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < time.Minute {
		return "just now"
	}
	return oneUnit(d) + " ago"
}

// Left is how long there is from now until a deadline, in one unit: "<1 min", "47 h". It
// is "over" once the deadline has passed, and "" for the zero time.
func Left(until, now time.Time) string {
	switch d := until.Sub(now); {
	case until.IsZero():
		return ""
	case d <= 0:
		return "over"
	case d < time.Minute:
		return "<1 min"
	default:
		return oneUnit(d)
	}
}

// oneUnit is a span of at least a minute, rounded down: minutes below two hours, hours
// below two days, else days.
func oneUnit(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%d days", d/day)
	}
}

// Duration is a span as flags take it: "90m" is "1h30m", two days and more count in days:
// "7d", "2d12h".
func Duration(d access.Duration) string {
	span := time.Duration(d)
	if span < 2*day {
		return d.String()
	}
	days := fmt.Sprintf("%dd", span/day)
	if rest := span % day; rest > 0 {
		return days + access.Duration(rest).String()
	}
	return days
}

// Term is how long a role is given for: "permanent", or "for 4h".
func Term(d access.Duration) string {
	if d == 0 {
		return "permanent"
	}
	return "for " + Duration(d)
}
