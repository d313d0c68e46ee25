package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/version"
	"sentinelone-provisioner/workflows"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // usage or configuration; nothing was started
)

// Main runs the worker until ctx ends, then lets running work finish or hand
// over. It returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		return answer(args, stdout, stderr)
	}
	cfg, err := config.Load()
	if err != nil {
		return complain(stderr, "configuration", err)
	}
	tuneMemory()
	log := telemetry.NewLogger(stderr, cfg.Telemetry.Level, cfg.Telemetry.Format)
	options, err := temporalclient.Options(log, cfg.Worker.KeysFile)
	if err != nil {
		return complain(stderr, "configuration", err)
	}
	if cfg.Telemetry.Metrics != "" {
		metrics, err := telemetry.ServeMetrics(ctx, cfg.Telemetry.Metrics)
		if err != nil {
			return complain(stderr, "configuration", err)
		}
		defer func() { _ = metrics.Close() }()
		options.MetricsHandler = metrics.Handler
	}
	db, err := store.Open(ctx, cfg.Store.URL)
	if err != nil {
		return complain(stderr, "DATABASE_URL", err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			log.Error("Database was not closed", "error", err)
		}
	}()
	if err := serve(ctx, log, cfg, options, db); err != nil {
		_, _ = fmt.Fprintf(stderr, "error: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// serve works until ctx ends.
func serve(ctx context.Context, log *slog.Logger, cfg config.Config, options client.Options, db *store.Store) error {
	s1, err := cfg.Console.Client(version.UserAgent())
	if err != nil {
		return err
	}
	temporal, err := dial(ctx, log, options)
	if err != nil || temporal == nil {
		return err
	}
	defer temporal.Close()
	fatal := make(chan error, 2) // one per worker
	senders, err := cfg.Notify.Senders()
	if err != nil {
		return err
	}
	var indexed attributes
	learned := make(chan struct{})
	learning, stop := context.WithCancel(ctx)
	go func() {
		defer close(learned)
		indexed.learn(learning, log, temporal, options.Namespace)
	}()
	defer func() { stop(); <-learned }()
	rules, err := loadRules(cfg)
	if err != nil {
		return err
	}
	w := newWorkers(temporal, cfg, s1, db, senders, rules, indexed.known.Load, func(err error) { fatal <- err })
	if err := w.Start(); err != nil {
		return temporalclient.Explain(err, options)
	}
	log.Info("Worker is ready", "version", version.String(), "console", s1.Console(), "read_only", cfg.Console.ReadOnly,
		"temporal", options.HostPort, "namespace", options.Namespace, "task_queue", cfg.Worker.TaskQueue)
	select {
	case <-ctx.Done():
		log.Info("Worker is stopping: running activities finish or hand over", "at_most", stopTimeout.String())
		w.Stop()
		log.Info("Worker has stopped")
		return nil
	case err := <-fatal:
		w.Stop()
		return fmt.Errorf("worker cannot go on: %w", err)
	}
}

// stopTimeout is how long running activities have to save their page and hand
// over: more than the longest single console call takes.
const stopTimeout = 75 * time.Second

// heartbeatThrottle bounds how far apart heartbeats reach the server, so that
// three fit into the heartbeat timeout of our activities.
const heartbeatThrottle = 5 * time.Second

// workers is one worker per task queue: changes wait on one of their own, so that
// nothing that only reads holds them up.
type workers []worker.Worker

// Start starts all of them, or none.
func (ws workers) Start() error {
	for i, w := range ws {
		if err := w.Start(); err != nil {
			ws[:i].Stop()
			return err
		}
	}
	return nil
}

// Stop lets their work finish or hand over, side by side.
func (ws workers) Stop() {
	var all sync.WaitGroup
	for _, w := range ws {
		all.Go(w.Stop)
	}
	all.Wait()
}

func newWorkers(
	temporal client.Client, cfg config.Config, s1 *console.Client, db *store.Store, senders []notify.Sender,
	rules rules, indexed func() bool, onFatal func(error),
) workers {
	options := worker.Options{
		WorkerStopTimeout:                stopTimeout,
		DefaultHeartbeatThrottleInterval: heartbeatThrottle,
		MaxHeartbeatThrottleInterval:     heartbeatThrottle,
		DisableRegistrationAliasing:      true,
		OnFatalError:                     onFatal,
		Interceptors: []interceptor.WorkerInterceptor{
			livestatus.NewInterceptor(db, s1.Console(), rules.holds()...),
			fault.NewInterceptor(), // last: all others see the mapped error
		},
	}
	w := worker.New(temporal, cfg.Worker.TaskQueue, options)
	workflows.Register(w)
	guard := activities.Guard{MaxPercent: cfg.Worker.MaxLoss, MinRows: cfg.Worker.MinLoss}
	people := activities.NewNotify(senders, db, s1.Console(), func(event string) activities.Delivery {
		return activities.Delivery{
			WorkflowID: workflows.NotifyID(event), WorkflowType: workflows.NotifyType, TaskQueue: cfg.Worker.TaskQueue,
		}
	})
	people.Register(w)
	activities.NewSync(s1, db, guard).Notifying(people).Register(w)
	tokens := tokensink.New(cfg.Worker.TokenDir, cfg.Worker.TokenCmd)
	requests := activities.NewRequest(s1, db).KeepingTokens(tokens).Indexing(indexed)
	if len(senders) > 0 {
		requests.Notifying()
	}
	requests.Following(rules.policy).CheckingSignatures(rules.signers)
	requests.Register(w)

	options.DisableWorkflowWorker = true
	changes := worker.New(temporal, workflows.WriteQueue(cfg.Worker.TaskQueue), options)
	activities.NewPrincipal(s1, db).Notifying(people).Register(changes)
	activities.NewAccounts(s1, db, tokens).Register(changes)
	return workers{w, changes}
}

// Pauses between attempts to reach Temporal.
const (
	dialPause    = time.Second
	dialPauseMax = 30 * time.Second
)

// dial waits for Temporal: a worker that starts before it, or comes back before
// it after an outage, is of more use waiting than gone. It returns nil without
// an error when ctx ends first.
func dial(ctx context.Context, log *slog.Logger, options client.Options) (client.Client, error) {
	for pause := dialPause; ; pause = min(2*pause, dialPauseMax) {
		c, err := temporalclient.Dial(ctx, options)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, nil //nolint:nilerr // asked to stop before there was anything to do
		}
		if !temporalclient.Unreachable(errors.Unwrap(err)) && !temporalclient.Unreachable(err) {
			return nil, err
		}
		log.Warn("Waiting for Temporal", "error", err, "next_try_in", pause.String())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, nil
		}
	}
}
