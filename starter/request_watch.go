package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// observation is what one look at a request saw.
type observation struct {
	// status is nil when nobody answered for it, and once it is over.
	status *wire.RequestStatus
	// trouble says why not, in a sentence; watching goes on.
	trouble string
	// over says that the request has ended: with result, or with failure.
	over    bool
	result  *wire.RequestResult
	failure error
}

// state is the request's own word for where it is; "" if it is not known.
func (g observation) state() string {
	switch {
	case g.result != nil:
		return g.result.State
	case g.failure != nil:
		return wire.StateFailed
	case g.status != nil:
		return g.status.State
	}
	return ""
}

// follow looks until the request is over or settled, and shows what it sees till then.
func (e *temporalClient) follow(
	ctx context.Context, run startedRun, settled func(wire.RequestStatus) bool, show func(observation),
) (observation, error) {
	for {
		seen, err := e.glimpse(ctx, run, pollEvery)
		if err != nil || ctx.Err() != nil {
			return seen, errors.Join(err, ctx.Err())
		}
		if seen.over || seen.status != nil && settled(*seen.status) {
			return seen, nil
		}
		if show != nil {
			show(seen)
		}
	}
}

// glimpse waits a little for the end of a request; if that does not come, it asks a
// worker how far it is. An error means that looking again is of no use.
func (e *temporalClient) glimpse(ctx context.Context, run startedRun, patience time.Duration) (observation, error) {
	var result wire.RequestResult
	short, cancel := context.WithTimeout(ctx, patience)
	err := e.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(short, &result)
	cancel()
	switch {
	case err == nil:
		return observation{over: true, result: &result}, nil
	case ctx.Err() != nil:
		return observation{}, ctx.Err()
	case temporalclient.Unreachable(err): // not yet over, or Temporal is away
		return e.unfinished(ctx, run)
	}
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return observation{}, err
	}
	return observation{over: true, failure: temporalclient.Cause("request", err)}, nil
}

// glimpseNow is a glimpse that waits for nothing.
func (e *temporalClient) glimpseNow(ctx context.Context, run startedRun) (observation, error) {
	info, err := e.Info(ctx, run)
	switch {
	case err != nil && temporalclient.Unreachable(err):
		return observation{trouble: e.Unavailable()}, nil
	case err != nil:
		return observation{}, err
	case temporalclient.Closed(info): // Temporal itself knows how it ended
		return e.glimpse(ctx, run, callTimeout)
	}
	return e.ask(ctx, run, info)
}

// unfinished is a glimpse of a request that has not ended yet, or of a Temporal that
// does not answer.
func (e *temporalClient) unfinished(ctx context.Context, run startedRun) (observation, error) {
	info, err := e.Info(ctx, run)
	switch {
	case ctx.Err() != nil:
		return observation{}, ctx.Err()
	case err != nil && temporalclient.Unreachable(err):
		return observation{trouble: e.Unavailable()}, nil
	case err != nil:
		return observation{}, fmt.Errorf("%s cannot be watched any more: %w", run.WorkflowID, err)
	}
	return e.ask(ctx, run, info)
}

// ask asks a worker how far a request is, or says why none answers.
func (e *temporalClient) ask(
	ctx context.Context, run startedRun, info *workflowpb.WorkflowExecutionInfo,
) (observation, error) {
	status, err := e.RequestStatus(ctx, run)
	if err != nil {
		return observation{trouble: e.NoAnswer(ctx, info, err)}, nil
	}
	return observation{status: &status}, nil
}
