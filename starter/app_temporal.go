package main

import (
	"cmp"
	"context"
	"log/slog"
	"strings"

	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/temporalclient"
)

const (
	callTimeout = temporalclient.CallTimeout
	pollEvery   = temporalclient.PollInterval
)

// startedRun is the output for programs of a workflow that was started.
type startedRun = temporalclient.Run

// temporalClient is Temporal as the commands use it.
type temporalClient struct {
	*temporalclient.Connection

	live *liveStore
}

// Close ends the connection, and that to the store.
func (e *temporalClient) Close() {
	e.Connection.Close()
	e.live.close()
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
	opts.Interceptors = append(opts.Interceptors, p.traces.Interceptors()...)
	c, err := temporalclient.Connect(ctx, opts, p.cfg.Worker.TaskQueue)
	if temporalclient.Misconfigured(err) {
		return nil, badConfiguration(err)
	}
	if err != nil {
		return nil, err
	}
	live := &liveStore{app: p}
	c.Completion = live.completer()
	return &temporalClient{Connection: c, live: live}, nil
}

// connectToWorker connects, and fails unless a worker polls the task queue. The caller
// closes the client.
func (p *app) connectToWorker(ctx context.Context) (*temporalClient, error) {
	e, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.RequireWorker(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// sdkLogger silences the SDK, since the commands report what goes wrong themselves, unless
// LOG_LEVEL is debug.
func (p *app) sdkLogger() *slog.Logger {
	if strings.EqualFold(p.cfg.Telemetry.Level, "debug") {
		return telemetry.NewLogger(p.err, "debug", cmp.Or(p.cfg.Telemetry.Format, telemetry.FormatConsole))
	}
	return slog.New(slog.DiscardHandler)
}
