package main

import (
	"os"
	"runtime/debug"
)

// Pages of a thousand rows come and go, and little of them stays: collecting that
// garbage less often saves a tenth of a large sync's time, and the limit keeps the
// heap of a worker small all the same.
const (
	collectAt = 400       // percent of what stays
	softLimit = 150 << 20 // bytes; beyond it garbage is collected as often as needed
)

// tuneMemory sets both, unless the operator has.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}
