package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/timetext"
)

// FullInterval is the interval of full syncs whose schedule the worker sets up; 0 for none.
func (w Worker) FullInterval() (time.Duration, error) {
	return interval("SYNC_FULL_EVERY", w.FullEvery)
}

// DeltaInterval is the interval of delta syncs whose schedule the worker sets up; 0 for none.
func (w Worker) DeltaInterval() (time.Duration, error) {
	return interval("SYNC_DELTA_EVERY", w.DeltaEvery)
}

func interval(name, text string) (time.Duration, error) {
	if strings.TrimSpace(text) == "" {
		return 0, nil
	}
	every, err := timetext.Interval(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return every, nil
}

// checkIntervals returns the faults of both intervals, joined.
func (w Worker) checkIntervals() error {
	_, full := w.FullInterval()
	_, delta := w.DeltaInterval()
	return errors.Join(full, delta)
}
