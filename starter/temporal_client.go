package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/temporalclient"
)

// callTimeout bounds one call to Temporal, of which a person waits for the answer.
const callTimeout = 10 * time.Second

// temporalClient is Temporal as the commands use it: connected, and knowing the names to
// put into messages.
type temporalClient struct {
	client.Client
	opts  client.Options
	queue string
}

// connect dials Temporal. The caller closes it.
func (p *app) connect(ctx context.Context) (*temporalClient, error) {
	if err := p.cfg.Worker.Validate(); err != nil {
		return nil, badConfiguration(err)
	}
	opts, err := temporalclient.Options(p.sdkLogger(), p.cfg.Worker.KeysFile)
	if err != nil {
		return nil, badConfiguration(err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c, err := temporalclient.Dial(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &temporalClient{Client: c, opts: opts, queue: p.cfg.Worker.TaskQueue}, nil
}

// connectToWorker is connect, and makes sure that a worker is there to do the work. The
// caller closes the engine.
func (p *app) connectToWorker(ctx context.Context) (*temporalClient, error) {
	e, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.requireWorker(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// sdkLogger keeps the SDK quiet, since the commands say themselves what goes
// wrong; LOG_LEVEL=debug lets it speak.
func (p *app) sdkLogger() *slog.Logger {
	if strings.EqualFold(p.cfg.Telemetry.Level, "debug") {
		return telemetry.NewLogger(p.err, "debug", cmp.Or(p.cfg.Telemetry.Format, telemetry.FormatConsole))
	}
	return slog.New(slog.DiscardHandler)
}

// workerPatience is how long a worker is looked for: one that has just started may not
// have asked the service for work yet.
const workerPatience = 5 * time.Second

// requireWorker fails unless a worker polls the task queue for workflows and for
// activities. Without this a sync on a misspelt queue would wait for ever. The
// service remembers pollers for some minutes, so a worker that was just killed
// still counts.
func (e *temporalClient) requireWorker(ctx context.Context) error {
	return e.lookForWorker(ctx, workerPatience)
}

// lookForWorker looks again and again for that long while there is none.
func (e *temporalClient) lookForWorker(ctx context.Context, patience time.Duration) error {
	over := time.After(patience)
	again := time.NewTicker(pollEvery / 2)
	defer again.Stop()
	for {
		err := e.workerPolls(ctx)
		if _, none := errors.AsType[*noWorkerError](err); !none {
			return err
		}
		select {
		case <-again.C:
		case <-over:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// noWorkerError says that nobody polls a task queue.
type noWorkerError struct{ text string }

func (e *noWorkerError) Error() string { return e.text }

// workerPolls asks the service once.
func (e *temporalClient) workerPolls(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, kind := range []enumspb.TaskQueueType{
		enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY,
	} {
		answer, err := e.DescribeTaskQueue(ctx, e.queue, kind)
		if err != nil {
			return fmt.Errorf("ask for the workers of task queue %q: %w", e.queue, e.explain(err))
		}
		if len(answer.GetPollers()) == 0 {
			return &noWorkerError{fmt.Sprintf("no worker polls task queue %q in namespace %q at %s: "+
				"start `worker` there, or set TASK_QUEUE", e.queue, e.opts.Namespace, e.opts.HostPort)}
		}
	}
	return nil
}

// explain makes a sentence of an error of a call.
func (e *temporalClient) explain(err error) error { return temporalclient.Explain(err, e.opts) }
