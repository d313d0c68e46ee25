package main

import (
	"os"
	"runtime/debug"
)

// A sync allocates pages of a thousand rows and keeps little of them. Collecting that
// garbage less often saves a tenth of a large sync's time; the limit still keeps the
// heap small.
const (
	gcPercent   = 400       // percent of the live heap, as GOGC
	memoryLimit = 150 << 20 // bytes, soft, as GOMEMLIMIT
)

// tuneMemory sets both, unless the operator set GOGC or GOMEMLIMIT.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
