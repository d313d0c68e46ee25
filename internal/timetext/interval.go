package timetext

import (
	"fmt"
	"strings"
	"time"
)

const (
	// ShortestInterval is the shortest interval between two syncs: it keeps a typing error from making a load on the
	// console.
	ShortestInterval = time.Minute
	// LongestInterval is the longest one.
	LongestInterval = 366 * 24 * time.Hour
)

// Interval reads an interval between two syncs, such as 15m, 24h or 1d. The error is a sentence without the name of the
// setting.
func Interval(text string) (time.Duration, error) {
	every, err := Duration(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, err
	case every < ShortestInterval:
		return 0, fmt.Errorf("%s is too short: use %s or more", every, ShortestInterval)
	case every > LongestInterval:
		return 0, fmt.Errorf("%s is too long: use 366d or less", text)
	}
	return every, nil
}
