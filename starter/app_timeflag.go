package main

import (
	"strings"
	"time"

	"sentinelone-provisioner/internal/timetext"
)

const (
	// timeHelp is the part of a flag's help that says how to write a time in the past.
	timeHelp = "RFC 3339, a date (UTC), or how long ago: 24h, 7d"
	// aheadHelp is [timeHelp] for times in the future.
	aheadHelp = "RFC 3339, a date (UTC), or how far ahead: 4h, 7d"
)

// timeFlag reads an optional time from a flag; nil if the flag is empty.
func (p *app) timeFlag(name, text string, e timetext.Edge) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	t, err := timetext.Time(text, p.now(), e)
	if err != nil {
		return nil, usage("--%s: %w", name, err)
	}
	return &t, nil
}

// aheadFlag reads an optional time in the future from a flag; nil if the flag is empty. A
// duration counts from now.
func (p *app) aheadFlag(name, text string, e timetext.Edge) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	if d, err := timetext.Duration(strings.TrimSpace(text)); err == nil {
		return new(p.now().UTC().Add(d)), nil
	}
	return p.timeFlag(name, text, e)
}
