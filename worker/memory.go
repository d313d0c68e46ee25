package main

import (
	"os"
	"runtime/debug"

	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/config"
)

// A sync allocates pages of a thousand rows and keeps little of them. Collecting that
// garbage less often saves a tenth of a large sync's time; the limit still keeps the
// heap small.
const gcPercent = 400 // percent of the live heap, as GOGC

// tuneMemory sets it, the soft limit of the heap, and how many workflows stay in memory. GOGC and
// GOMEMLIMIT win where they are set.
func tuneMemory(c config.Capacity) {
	worker.SetStickyWorkflowCacheSize(c.Cache)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(c.MemoryMiB) << 20)
	}
}
