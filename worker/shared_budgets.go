package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/store"
)

// sharedBudgets is the store's, and says in the log where it fails.
type sharedBudgets struct {
	db     *store.Store
	log    *slog.Logger
	warned atomic.Int64 // unix seconds of the latest warning
}

// warnEvery bounds how often the log repeats that budgets are not shared.
const warnEvery = time.Minute

// TakeBudget implements console.SharedBudget.
func (b *sharedBudgets) TakeBudget(
	ctx context.Context, console, prefix string, n int, spacing, rested time.Duration,
) (time.Duration, error) {
	first, err := b.db.TakeBudget(ctx, console, prefix, n, spacing, rested)
	if err != nil {
		now, last := time.Now().Unix(), b.warned.Load()
		if now-last >= int64(warnEvery.Seconds()) && b.warned.CompareAndSwap(last, now) {
			b.log.Warn("Rate budgets are not shared now: each worker asks the console as often as all together should",
				"error", err)
		}
	}
	return first, err
}
