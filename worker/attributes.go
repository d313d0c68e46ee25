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

// settleTime is how long a server's hosts may take to learn of new search attributes.
const settleTime = time.Minute

// attributes knows whether requests can be found by their search attributes.
type attributes struct{ known atomic.Bool }

// learn asks the server for them, and says once what is missing: everything works
// without, but nothing can be listed by state.
func (a *attributes) learn(ctx context.Context, log *slog.Logger, c client.Client, namespace string) {
	added, err := temporalclient.SearchAttributes(ctx, c, namespace, workflows.SearchAttributes())
	switch {
	case err != nil && ctx.Err() == nil:
		log.Warn("Requests cannot be listed by state: run `make search-attributes`, or have it run", "error", err)
	case len(added) == 0 && err == nil:
		a.known.Store(true)
		log.Debug("Search attributes are known")
	case err == nil:
		log.Info("Search attributes are added", "names", added)
		select {
		case <-time.After(settleTime):
			a.known.Store(true)
		case <-ctx.Done():
		}
	}
}
