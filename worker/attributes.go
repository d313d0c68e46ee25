package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/workflows"
)

const (
	// settleTime is how long all hosts of a Temporal server may take to load new search
	// attributes.
	settleTime = time.Minute
	// attributesEvery is how often the worker looks whether they are still there: a server whose database was lost
	// has none.
	attributesEvery = time.Minute
	// attributesRetry and attributesRetryMax are the first and the longest pause after a failure.
	attributesRetry    = time.Second
	attributesRetryMax = 5 * time.Minute
)

// searchAttributes tells whether workflows may set their search attributes.
type searchAttributes struct{ usable atomic.Bool }

// register keeps the search attributes registered until ctx ends. While that fails, requests work without them, but
// cannot be listed by state: the log says so once for each reason.
func (a *searchAttributes) register(ctx context.Context, log *slog.Logger, c client.Client, namespace string) {
	a.keep(ctx, log, func(ctx context.Context) ([]string, error) {
		return temporalclient.AddSearchAttributes(ctx, c, namespace, workflows.SearchAttributes())
	})
}

// keep calls add again and again: it returns the names that were missing and now are not, or those that still are.
func (a *searchAttributes) keep(
	ctx context.Context, log *slog.Logger, add func(ctx context.Context) (names []string, err error),
) {
	retry, told := attributesRetry, ""
	for ctx.Err() == nil {
		names, err := add(ctx)
		pause := attributesEvery
		switch {
		case err != nil:
			if len(names) > 0 {
				a.usable.Store(false)
			}
			if reason := err.Error(); ctx.Err() == nil && reason != told {
				told = reason
				log.Warn("Requests cannot be listed by state: run `make search-attributes`, or ask an administrator "+
					"to; trying again", "error", err)
			}
			pause, retry = retry, min(2*retry, attributesRetryMax)
		case len(names) > 0:
			a.usable.Store(false)
			log.Info("Search attributes added", "names", names)
			pause, retry, told = settleTime, attributesRetry, ""
		default:
			if !a.usable.Swap(true) {
				log.Debug("Search attributes are registered")
			}
			retry, told = attributesRetry, ""
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
