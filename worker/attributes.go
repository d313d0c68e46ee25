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

// settleTime is how long all hosts of a Temporal server may take to load new search
// attributes.
const settleTime = time.Minute

// searchAttributes tells whether workflows may set their search attributes.
type searchAttributes struct{ usable atomic.Bool }

// register adds missing search attributes to the server. If that fails it logs a
// warning: requests work without them, but cannot be listed by state.
func (a *searchAttributes) register(ctx context.Context, log *slog.Logger, c client.Client, namespace string) {
	added, err := temporalclient.AddSearchAttributes(ctx, c, namespace, workflows.SearchAttributes())
	switch {
	case err != nil && ctx.Err() == nil:
		log.Warn("Requests cannot be listed by state: run `make search-attributes`, or ask an administrator to",
			"error", err)
	case len(added) == 0 && err == nil:
		a.usable.Store(true)
		log.Debug("Search attributes are registered")
	case err == nil:
		log.Info("Search attributes added", "names", added)
		select {
		case <-time.After(settleTime):
			a.usable.Store(true)
		case <-ctx.Done():
		}
	}
}
