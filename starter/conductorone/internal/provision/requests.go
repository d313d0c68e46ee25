package provision

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
)

// Requests starts requests and observes them. [Engine] does it with Temporal.
type Requests interface {
	// DryRun plans a request, by what the console shows now, and returns the plan: nobody is asked, and nothing is
	// recorded. The input must be a dry run; the id of r gives way to another one.
	DryRun(ctx context.Context, r requestclient.NewRequest) (access.Plan, error)
	// Begin starts the request, signed where there is a key, or attaches to the one that runs under its id:
	// [temporalclient.Run.Started] says which. An id that an ended request had is used again.
	Begin(ctx context.Context, r requestclient.NewRequest) (temporalclient.Run, error)
	// Await waits at most patience for the end of a run; else it observes how far it is. It fails if ctx ends, and
	// if Temporal does not know the run.
	Await(ctx context.Context, run temporalclient.Run, patience time.Duration) (requestrecord.Observation, error)
	// Runs reports whether a request with that id is open.
	Runs(ctx context.Context, id string) (bool, error)
	// Cancel cancels the open request with that id, unless it has been applied; it does nothing if none is open.
	Cancel(ctx context.Context, id, comment string) error
}
