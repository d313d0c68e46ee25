package provision

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
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
	// FirstRun is the id of the run from which a run was reset; its own if it was not. The ledger knows the run by it.
	FirstRun(ctx context.Context, run temporalclient.Run) (string, error)
	// Runs reports whether a request with that id is open.
	Runs(ctx context.Context, id string) (bool, error)
	// Cancel cancels the open request with that id, unless it has been applied; it does nothing if none is open.
	Cancel(ctx context.Context, id, comment string) error
}

// Ledger says what is proven. [evidence.Reader] reads it from the worker's database.
type Ledger interface {
	// Await is the record of a run, once it proves something, or after a while.
	Await(ctx context.Context, run ledger.Run, proves func(authority.Record) bool) (authority.Record, error)
	// Latest is what the console has shown last of a principal.
	Latest(ctx context.Context, who access.PrincipalRef) (evidence.Latest, error)
}

var _ Ledger = evidence.Reader{}
