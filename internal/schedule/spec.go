package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/timetext"
)

const (
	// longest is the longest catch-up window.
	longest = timetext.LongestInterval
	// minCatchUp is the shortest catch-up window that Temporal keeps.
	minCatchUp = 10 * time.Second
	// maxCron bounds a cron expression in bytes: Temporal keeps no longer comment.
	maxCron = 200
	// gaps is how many intervals of a cron expression are looked at, to find the shortest.
	gaps = 64
)

// Spec says when syncs start: at an interval or by a cron expression.
type Spec struct {
	// Every is the interval, counted from 1970-01-01 00:00 UTC; 0 with Cron.
	Every time.Duration
	// Cron has five fields or is a name such as @daily; CRON_TZ=Europe/Berlin may precede it, else it is in UTC.
	Cron string
	// Jitter delays each start by a random time up to this.
	Jitter time.Duration
	// CatchUp is how late a start may be that was missed while Temporal was down.
	CatchUp time.Duration

	gap time.Duration // the shortest time between two starts; not of a Spec that Temporal keeps
}

// EachInterval is the specification of an interval that [timetext.Interval] has read. What is missed is made up for
// within one interval.
func EachInterval(every time.Duration) Spec { return Spec{Every: every, CatchUp: every, gap: every} }

// EachCron reads a cron expression. What is missed is made up for within the shortest interval of the expression. The
// error is a sentence without the name of the setting.
func EachCron(text string, now time.Time) (Spec, error) {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxCron {
		return Spec{}, fmt.Errorf("the cron expression is %d bytes long: write at most %d", len(text), maxCron)
	}
	place, fields := time.UTC, text
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		rest, found := strings.CutPrefix(text, prefix)
		if !found {
			continue
		}
		name, after, _ := strings.Cut(rest, " ")
		var err error
		if place, err = time.LoadLocation(name); err != nil || name == "" || name == "Local" {
			return Spec{}, fmt.Errorf("unknown time zone %q: write a name such as CRON_TZ=Europe/Berlin", name)
		}
		fields = after
		break
	}
	times, err := parseCron(fields)
	if err != nil {
		return Spec{}, err
	}
	shortest := longest
	at := times.Next(now.In(place))
	if at.IsZero() {
		return Spec{}, fmt.Errorf("the cron expression %q never comes: no such day exists", text)
	}
	for range gaps {
		next := times.Next(at)
		if next.IsZero() {
			break
		}
		shortest, at = min(shortest, next.Sub(at)), next
	}
	return Spec{Cron: text, CatchUp: shortest, gap: shortest}, nil
}

var errCron = errors.New(`write five fields (minute, hour, day of the month, month, weekday from 0 for Sunday), ` +
	`as in "30 3 * * 1-5", or @hourly, @daily, @weekly, @monthly`)

// parseCron takes what both this library and Temporal read the same way. Seconds and years are not taken, so that no
// two starts are less than a minute apart.
func parseCron(fields string) (cron.Schedule, error) {
	switch {
	case strings.HasPrefix(fields, "@every"):
		return nil, fmt.Errorf("%q is an interval: set the interval instead", fields)
	case strings.ContainsAny(fields, "#?"):
		return nil, fmt.Errorf("%q is not a cron expression: %w", fields, errCron)
	}
	times, err := cron.ParseStandard(fields)
	if err != nil {
		return nil, fmt.Errorf("%q is not a cron expression: %w", fields, errCron)
	}
	return times, nil
}

// WithJitter adds a random delay of each start; 0 for none.
func (s Spec) WithJitter(jitter time.Duration) (Spec, error) {
	if jitter < 0 || jitter >= s.gap {
		return s, fmt.Errorf("%s is as long as the interval or longer: use less than %s", jitter, s.gap)
	}
	s.Jitter = jitter
	return s, nil
}

// WithCatchUp replaces the catch-up window.
func (s Spec) WithCatchUp(window time.Duration) (Spec, error) {
	if window < minCatchUp || window > longest {
		return s, fmt.Errorf("%s is out of bounds: use 10s to 366d", window)
	}
	s.CatchUp = window
	return s, nil
}

// String says when syncs start, as in "every 24h" or "30 3 * * 1-5".
func (s Spec) String() string {
	if s.Cron != "" {
		return s.Cron
	}
	return "every " + access.Duration(s.Every).String()
}
