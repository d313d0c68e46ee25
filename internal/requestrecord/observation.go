package requestrecord

import (
	"context"
	"errors"
	"fmt"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// Observation is a request as Temporal showed it at one time.
type Observation struct {
	// Status is nil if no worker answered, and after the end.
	Status *wire.RequestStatus
	// Trouble says in a sentence why there is no status; a later observation may have one.
	Trouble string
	// Over says that the request has ended, with Result or with Failure.
	Over    bool
	Result  *wire.RequestResult
	Failure error
}

// State is the state of the request; "" if that is not known.
func (o Observation) State() string {
	switch {
	case o.Result != nil:
		return o.Result.State
	case o.Failure != nil:
		return wire.StateFailed
	case o.Status != nil:
		return o.Status.State
	}
	return ""
}

// PlanOrZero is the plan of the request; the zero plan if it has none.
func (o Observation) PlanOrZero() access.Plan {
	switch {
	case o.Status != nil && o.Status.Plan != nil:
		return *o.Status.Plan
	case o.Result != nil && o.Result.Receipt != nil:
		return o.Result.Receipt.Plan
	}
	return access.Plan{}
}

// Follow observes a running request until it has ended or until says so, and calls
// onChange (if not nil) with each earlier observation. It retries while Temporal or the
// worker is away. It fails if ctx ends, or if Temporal no longer knows the run.
func Follow(
	ctx context.Context, c *temporalclient.Connection, run temporalclient.Run,
	until func(wire.RequestStatus) bool, onChange func(Observation),
) (Observation, error) {
	for {
		seen, err := Await(ctx, c, run, temporalclient.PollInterval)
		if err != nil || ctx.Err() != nil {
			return seen, errors.Join(err, ctx.Err())
		}
		if seen.Over || seen.Status != nil && until(*seen.Status) {
			return seen, nil
		}
		if onChange != nil {
			onChange(seen)
		}
	}
}

// Observe reads a request from Temporal at once. An error means that Temporal does not
// know the run (see [temporalclient.IsNotFound]), or refused to answer; if it is merely
// away, [Observation.Trouble] says so.
func Observe(ctx context.Context, c *temporalclient.Connection, run temporalclient.Run) (Observation, error) {
	info, err := c.Info(ctx, run)
	switch {
	case err != nil && temporalclient.Unreachable(err):
		return Observation{Trouble: c.Unavailable()}, nil
	case err != nil:
		return Observation{}, err
	case temporalclient.Closed(info): // the service itself has the result
		return Await(ctx, c, run, temporalclient.CallTimeout)
	}
	return queryStatus(ctx, c, run, info), nil
}

// Await waits at most patience for the end of a request; else it queries its status. It fails as
// [Observe] does, and if ctx ends.
func Await(
	ctx context.Context, c *temporalclient.Connection, run temporalclient.Run, patience time.Duration,
) (Observation, error) {
	var result wire.RequestResult
	short, cancel := context.WithTimeout(ctx, patience)
	err := c.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(short, &result)
	cancel()
	switch {
	case err == nil:
		return Observation{Over: true, Result: &result}, nil
	case ctx.Err() != nil:
		return Observation{}, ctx.Err()
	case temporalclient.Unreachable(err): // it has not ended yet, or Temporal is away
		return unfinished(ctx, c, run)
	case temporalclient.IsNotFound(err):
		return Observation{}, err
	}
	return Observation{Over: true, Failure: temporalclient.Cause("request", err)}, nil
}

func unfinished(ctx context.Context, c *temporalclient.Connection, run temporalclient.Run) (Observation, error) {
	info, err := c.Info(ctx, run)
	switch {
	case ctx.Err() != nil:
		return Observation{}, ctx.Err()
	case err != nil && temporalclient.Unreachable(err):
		return Observation{Trouble: c.Unavailable()}, nil
	case err != nil:
		return Observation{}, fmt.Errorf("cannot follow %s any longer: %w", run.WorkflowID, err)
	}
	return queryStatus(ctx, c, run, info), nil
}

// queryStatus queries the status from a worker, or says why none answered.
func queryStatus(
	ctx context.Context, c *temporalclient.Connection, run temporalclient.Run, info *workflowpb.WorkflowExecutionInfo,
) Observation {
	status, err := c.RequestStatus(ctx, run)
	if err != nil {
		return Observation{Trouble: c.NoAnswer(ctx, info, err)}
	}
	return Observation{Status: &status}
}
