package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
)

const (
	// dialPatience is how long a task tries to reach Temporal: one that restarts is back by then.
	dialPatience = 15 * time.Second
	// lookPatience is how long a dry run may take: longer means that the console does not answer.
	lookPatience = 20 * time.Second
	// cancelPatience bounds a cancellation, which is on record long before it has taken effect.
	cancelPatience = 30 * time.Second
)

// EngineOptions are what an [Engine] needs.
type EngineOptions struct {
	// Dial connects to Temporal. It is called when a task first needs it, and again until it succeeds.
	Dial func(context.Context) (*temporalclient.Connection, error)
	// Record reads the record of a request, to say why it takes no message any more.
	Record func(ctx context.Context, c *temporalclient.Connection, ids ...string) requestrecord.Record
	// Requester is the name that requests have, and that cancels them.
	Requester string
	// Sign opens the signer of the requester, for each message anew; the engine closes it.
	Sign func(context.Context) (requestclient.Signer, error)
}

// Engine is [Requests] over Temporal. It connects when it is first needed, so that reading works without Temporal.
type Engine struct {
	o EngineOptions

	mu   sync.Mutex
	conn *temporalclient.Connection
}

var _ Requests = (*Engine)(nil)

// NewEngine makes an engine. It connects to nothing yet.
func NewEngine(o EngineOptions) *Engine { return &Engine{o: o} }

// Close closes the connection, if there is one.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil {
		e.conn.Close()
		e.conn = nil
	}
}

// Connection is the connection to Temporal, which all tasks share. It tries for a while to make one.
func (e *Engine) Connection(ctx context.Context) (*temporalclient.Connection, error) {
	over := time.After(dialPatience)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		conn, err := e.connectOnce(ctx)
		if err == nil || !temporalclient.Unreachable(err) {
			return conn, err
		}
		select {
		case <-again.C:
		case <-over:
			return nil, err
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// connectOnce dials outside of the lock: tasks at once do not wait for each other's attempts.
func (e *Engine) connectOnce(ctx context.Context) (*temporalclient.Connection, error) {
	if conn := e.kept(nil); conn != nil {
		return conn, nil
	}
	conn, err := e.o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	kept := e.kept(conn)
	if kept != conn {
		conn.Close()
	}
	return kept, nil
}

// kept is the connection that all use: the first one.
func (e *Engine) kept(made *temporalclient.Connection) *temporalclient.Connection {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn == nil {
		e.conn = made
	}
	return e.conn
}

// Client starts and updates requests over the connection.
func (e *Engine) Client(ctx context.Context) (requestclient.Client, error) {
	conn, err := e.Connection(ctx)
	if err != nil {
		return requestclient.Client{}, err
	}
	return requestclient.Client{
		Temporal: conn,
		Record: func(ctx context.Context, ids ...string) requestrecord.Record {
			return e.o.Record(ctx, conn, ids...)
		},
	}, nil
}

// DryRun implements [Requests]. It needs a worker, which looks at the console.
func (e *Engine) DryRun(ctx context.Context, r requestclient.NewRequest) (access.Plan, error) {
	c, err := e.Client(ctx)
	if err != nil {
		return access.Plan{}, err
	}
	if err := c.Temporal.RequireWorker(ctx); err != nil {
		return access.Plan{}, explain.Newf(codes.Aborted, "%w; then press Retry failed provisioning", err)
	}
	kind, _, _ := strings.Cut(r.ID, "/")
	r.ID = kind + "/" + requestrecord.DryRunMark + requestclient.NewID()
	run, err := c.Start(ctx, r)
	if err != nil {
		return access.Plan{}, err
	}
	looked, stop := context.WithTimeout(ctx, lookPatience)
	defer stop()
	var last requestrecord.Observation
	for {
		seen, err := requestrecord.Await(looked, c.Temporal, run, temporalclient.PollInterval)
		switch {
		case looked.Err() != nil:
			return access.Plan{}, notLooked(ctx, c.Temporal, run, last)
		case err != nil:
			return access.Plan{}, err
		case seen.Over:
			return planned(seen)
		}
		last = seen
	}
}

// afterFailure is what people do in ConductorOne about a plan that failed: what it shows may be old, unless the console
// refused the worker.
func afterFailure(err error) string {
	switch kinds.Of(err) {
	case kinds.Unauthenticated, kinds.Forbidden, kinds.RateLimited, kinds.Unavailable:
		return "then " + pressRetry
	default:
		return "run `starter sync --wait` and start a sync of the connector in ConductorOne, which then shows what " +
			"is there now, then " + pressRetry
	}
}

// planned is the plan of a dry run that has ended.
func planned(seen requestrecord.Observation) (access.Plan, error) {
	switch {
	case seen.Failure != nil:
		return access.Plan{}, explain.Newf(codes.FailedPrecondition, "%w; %s", seen.Failure, afterFailure(seen.Failure))
	case seen.Result == nil || seen.Result.Plan == nil:
		return access.Plan{}, explain.Newf(codes.Internal,
			"the worker answered a dry run without a plan: update the worker and the connector to the same release")
	}
	return *seen.Result.Plan, nil
}

// notLooked ends a dry run that takes too long, and says why it does.
func notLooked(
	ctx context.Context, c *temporalclient.Connection, run temporalclient.Run, last requestrecord.Observation,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), temporalclient.CallTimeout)
	defer cancel()
	why := last.Trouble
	if last.Status != nil && last.Status.Waiting != "" {
		why = last.Status.Waiting
	}
	if why == "" {
		why = "the worker has not answered"
	}
	// Nothing of a dry run is left behind, whether this succeeds or not.
	_ = c.TerminateWorkflow(ctx, run.WorkflowID, run.RunID, "the connector has stopped waiting for this dry run")
	return explain.Newf(codes.Aborted, "cannot see what the console shows now (%s within %s): see `starter check`, "+
		"then press Retry failed provisioning", why, lookPatience)
}

// Begin implements [Requests].
func (e *Engine) Begin(ctx context.Context, r requestclient.NewRequest) (temporalclient.Run, error) {
	c, err := e.Client(ctx)
	if err != nil {
		return temporalclient.Run{}, err
	}
	signer, err := e.o.Sign(ctx)
	if err != nil {
		return temporalclient.Run{}, err
	}
	defer signer.Close()
	skipped, err := signer.SignRequest(ctx, r.ID, r.Input)
	if err = errors.Join(skipped, err); err != nil {
		return temporalclient.Run{}, fmt.Errorf("cannot sign %s, and nothing was sent: %w", r.ID, err)
	}
	r.Again = true
	run, err := c.Start(ctx, r)
	if started, is := errors.AsType[*requestclient.AlreadyStartedError](err); is {
		return started.Run, nil
	}
	return run, err
}

// Await implements [Requests].
func (e *Engine) Await(
	ctx context.Context, run temporalclient.Run, patience time.Duration,
) (requestrecord.Observation, error) {
	conn, err := e.Connection(ctx)
	if err != nil {
		return requestrecord.Observation{}, err
	}
	return requestrecord.Await(ctx, conn, run, patience)
}

// FirstRun implements [Requests].
func (e *Engine) FirstRun(ctx context.Context, run temporalclient.Run) (string, error) {
	if run.Started {
		return run.RunID, nil
	}
	conn, err := e.Connection(ctx)
	if err != nil {
		return "", err
	}
	info, err := conn.Info(ctx, run)
	if err != nil {
		return "", fmt.Errorf("cannot look for the first run of %s: %w", run.WorkflowID, conn.Explain(err))
	}
	return cmp.Or(info.GetFirstRunId(), run.RunID), nil
}

// Runs implements [Requests].
func (e *Engine) Runs(ctx context.Context, id string) (bool, error) {
	conn, err := e.Connection(ctx)
	if err != nil {
		return false, err
	}
	info, err := conn.Info(ctx, temporalclient.Run{WorkflowID: id})
	switch {
	case temporalclient.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("cannot look for %s: %w", id, conn.Explain(err))
	}
	return !temporalclient.Closed(info), nil
}

// Cancel implements [Requests].
func (e *Engine) Cancel(ctx context.Context, id, comment string) error {
	if runs, err := e.Runs(ctx, id); err != nil || !runs {
		return err
	}
	c, err := e.Client(ctx)
	if err != nil {
		return err
	}
	signer, err := e.o.Sign(ctx)
	if err != nil {
		return err
	}
	defer signer.Close()
	ctx, stop := context.WithTimeout(ctx, cancelPatience)
	defer stop()
	in := wire.StopInput{By: e.o.Requester, Comment: comment}
	_, err = c.Update(ctx, requestclient.Update{
		Typed: id, IDs: []string{id}, Name: wire.CancelUpdate, Payload: in,
		Sign: func(ctx context.Context, s wire.RequestStatus) (any, error) {
			return signer.SignStop(ctx, wire.CancelUpdate, s, in)
		},
	}, new(wire.RequestAnswer))
	if _, ended := errors.AsType[*requestrecord.EndedError](err); ended {
		return nil
	}
	return err
}
