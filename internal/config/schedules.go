package config

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/timetext"
)

// FullInterval is the interval of full syncs whose schedule the worker sets up; 0 for none.
func (w Worker) FullInterval() (time.Duration, error) {
	if strings.TrimSpace(w.FullEvery) == "" {
		return 0, nil
	}
	every, err := timetext.Interval(w.FullEvery)
	if err != nil {
		return 0, fmt.Errorf("SYNC_FULL_EVERY: %w", err)
	}
	return every, nil
}
