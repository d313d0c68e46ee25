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
	connectionactivities "sentinelone-provisioner/activities/connection"
	syncactivities "sentinelone-provisioner/activities/sync"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/otlpenv"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/tokenfile"
	"sentinelone-provisioner/internal/tokensink"
	"sentinelone-provisioner/internal/version"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration; nothing was started
)

// Main runs the worker until ctx ends, then waits up to [stopTimeout] for running
// activities to finish or hand over. It returns the exit code; errors go to stderr.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		return printInfo(args, stdout, stderr)
	}
	cfg, err := config.Load()
	log := telemetry.NewLogger(stderr, cfg.Telemetry.Level, cfg.Telemetry.Format)
	if base, failed := console.ParseBaseURL(cfg.Console.BaseURL); failed == nil {
		log = log.With("console", base.Host)
	}
	options, temporalErr := temporalclient.Options(log, cfg.Worker.KeysFile)
	if err := errors.Join(err, temporalErr); err != nil {
		return configError(stderr, "configuration", err)
	}
	tuneMemory(cfg.Capacity)
	metrics, err := serveMetrics(ctx, cfg)
	if err != nil {
		return configError(stderr, "configuration", err)
	}
	if metrics != nil {
		defer func() { _ = metrics.Close() }()
		options.MetricsHandler = metrics.Handler
	}
	probes := serveHealth(metrics, cfg.Worker.TaskQueue)
	traces, err := telemetry.StartTraces(ctx, "sentinelone-provisioner-worker", func(err error) {
		log.Warn("Spans were not sent", "error", err)
	})
	if err != nil {
		return configError(stderr, "configuration", err)
	}
	defer func() { _ = traces.Close() }() //nolint:contextcheck // ctx has ended by then, and the last spans are sent
	options.Interceptors = append(options.Interceptors, traces.Interceptors()...)
	blockUndecodable(log, &options)
	db, err := store.Open(ctx, cfg.Store.URL)
	if err != nil {
		return configError(stderr, "DATABASE_URL", err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			log.Error("Could not close the database", "error", err)
		}
	}()
	if err := sealLedger(ctx, log, cfg, db); err != nil {
		return configError(stderr, "LEDGER_KEY_FILE", err)
	}
	if err := checkPayloadKeys(ctx, log, cfg, db); err != nil {
		return configError(stderr, "PAYLOAD_KEYS_FILE", err)
	}
	warnOperator(log, cfg)
	probes.opened(db)
	err = serve(ctx, log, cfg, options, db, metrics, traces, probes)
	if fault, is := errors.AsType[*misconfigured](err); is {
		return configError(stderr, "configuration", fault.error)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "error: %s\n", describe.Error(err.Error()))
		return exitFailed
	}
	return exitDone
}

// misconfigured is an error of the settings for Temporal that only Temporal could find.
type misconfigured struct{ error }

// warnOperator logs what of the set-up leaves a door open.
func warnOperator(log *slog.Logger, cfg config.Config) {
	if means := cfg.Signing.Unverified(); means != "" {
		log.Warn("Signatures are not required", "meaning", means)
	}
	for _, note := range store.FileNotes(cfg.Store.URL) {
		log.Warn("The database is not closed to other users", "file", note)
	}
	for _, note := range cfg.WritableNotes() {
		log.Warn("A file that decides who gets access is not protected", "file", note)
	}
	for _, note := range otlpenv.Notes() {
		log.Warn("A variable of OpenTelemetry counts as another value", "variable", note)
	}
}

// serve connects to Temporal and runs both workers until ctx ends.
func serve(
	ctx context.Context, log *slog.Logger, cfg config.Config, options client.Options, db *store.Store,
	metrics *telemetry.Metrics, traces *telemetry.Traces, probes *health,
) error {
	s1, err := cfg.Console.Client(version.UserAgent())
	if err != nil {
		return err
	}
	senders, err := cfg.Notify.Senders()
	if err != nil {
		return err
	}
	rules, err := loadRules(cfg)
	if err != nil {
		return err
	}
	notifications := newNotifications(cfg, s1, db, senders, rules)
	reconciling, stopReconciler := context.WithCancel(ctx)
	measuring, stopMeasuring := context.WithCancel(ctx)
	measured := measure(measuring, log, metrics, traces, s1, db)
	defer func() { stopMeasuring(); measured() }()
	overdue, wait := startReconciler(reconciling, log, cfg, s1, db, rules, notifications, options)
	defer func() { stopReconciler(); wait() }()
	if db.SharesBudgets() {
		s1.ShareBudgets(&sharedBudgets{db: db, log: log})
	}
	temporal, err := dial(ctx, log, options)
	if err != nil || temporal == nil {
		return err
	}
	defer temporal.Close()
	overdue.Reach(temporal)
	fatal := make(chan error, 2) // one per worker
	var attributes searchAttributes
	registered := make(chan struct{})
	registering, stop := context.WithCancel(ctx)
	go func() {
		defer close(registered)
		attributes.register(registering, log, temporal, options.Namespace)
	}()
	defer func() { stop(); <-registered }()
	scheduled := keepSchedules(registering, log, cfg, s1.Console(), db, temporal, options.Namespace)
	defer func() { stop(); <-scheduled }()
	w := newWorkers(temporal, cfg, s1, db, notifications, len(senders) > 0, rules, attributes.usable.Load,
		func(err error) { fatal <- err })
	if err := w.Start(); err != nil {
		return temporalclient.Explain(err, options)
	}
	probes.polls(temporal)
	defer probes.stops()
	checking, stopChecks := context.WithCancel(ctx)
	checked := startConnection(checking, log, temporal, cfg, s1.Console())
	defer func() { stopChecks(); <-checked }()
	deployment, build := cfg.Deployment.Version()
	log.Info("Worker is ready", "version", version.String(), "read_only", cfg.Console.ReadOnly,
		"temporal", options.HostPort, "namespace", options.Namespace, "task_queue", cfg.Worker.TaskQueue,
		"deployment", deployment, "build_id", build)
	select {
	case <-ctx.Done():
		probes.stops()
		log.Info("Worker is stopping: waiting for running activities to finish or hand over",
			"at_most", stopTimeout.String())
		w.Stop()
		log.Info("Worker has stopped")
		return nil
	case err := <-fatal:
		w.Stop()
		return fmt.Errorf("the worker failed: %w", err)
	}
}

// workers holds one worker per task queue: writes have their own queue, so that reads
// never delay them.
type workers []worker.Worker

// Start starts all workers, or none.
func (ws workers) Start() error {
	for i, w := range ws {
		if err := w.Start(); err != nil {
			ws[:i].Stop()
			return err
		}
	}
	return nil
}

// Stop stops all workers concurrently; their activities finish or hand over.
func (ws workers) Stop() {
	var all sync.WaitGroup
	for _, w := range ws {
		all.Go(w.Stop)
	}
	all.Wait()
}

func newNotifications(
	cfg config.Config, s1 *console.Client, db *store.Store, senders []notify.Sender, rules rules,
) *activities.Notify {
	return activities.NewNotify(senders, db, s1.Console(), func(event string) activities.Delivery {
		return activities.Delivery{
			WorkflowID: wire.NotifyID(event), WorkflowType: wire.NotifyType, TaskQueue: cfg.Worker.TaskQueue,
		}
	}).AskingConsole(s1).MailTo(rules.policy, cfg.Notify.Domains())
}

func newWorkers(
	temporal client.Client, cfg config.Config, s1 *console.Client, db *store.Store, notifications *activities.Notify,
	notifying bool, rules rules, indexed func() bool, onFatal func(error),
) workers {
	options := workerOptions(cfg)
	options.OnFatalError = onFatal
	options.Interceptors = []interceptor.WorkerInterceptor{
		telemetry.NewLogFields(),
		fault.NewInterceptor(), // last: all others see the translated error
	}
	w := worker.New(temporal, cfg.Worker.TaskQueue, options)
	workflows.Register(w)
	guard := syncactivities.Guard{MaxPercent: cfg.Worker.MaxLoss, MinRows: cfg.Worker.MinLoss}
	notifications.Register(w)
	authority := activities.NewAuthority(db, s1.Console(), rules.signers).Following(rules.policy)
	syncactivities.New(s1, db, guard).Notifying(notifications.BestEffort).
		Explaining(activities.NewDrift(authority, notifications).Explain).ExplainingLosses(authority.CatchUp).
		Following(rules.policy).CheckingSignatures(rules.signers).Reporting(askForCheck(s1.Console())).Register(w)
	connectionactivities.New(s1, db, cfg.Worker.CheckEvery).Warning(notifications.Announce).Register(w)
	tokens := tokensink.New(cfg.Worker.TokenDir, cfg.Worker.TokenCmd, cfg.Worker.TokenVariables()...)
	ownToken := activities.OwnToken{
		File: tokenfile.File(cfg.Console.TokenFile), Shared: db.SharesBudgets(), FileShared: cfg.Console.FileShared,
	}
	requests := activities.NewRequest(s1, db).StoringTokens(tokens).ReplacingOwnToken(ownToken).Indexing(indexed).
		Waiting(cfg.Capacity.ActivitySlots / waitingShare)
	if notifying {
		requests.Notifying()
	}
	requests.Following(rules.policy).CheckingSignatures(rules.signers)
	requests.Register(w)

	options.DisableWorkflowWorker = true
	writes := worker.New(temporal, wire.WriteQueue(cfg.Worker.TaskQueue), options)
	activities.NewPrincipal(s1, db, authority).Notifying(notifications).Register(writes)
	activities.NewAccounts(s1, db, tokens, authority).ReplacingOwnToken(ownToken).Notifying(notifications).
		Register(writes)
	return workers{w, writes}
}

// Pauses between attempts to reach Temporal.
const (
	dialPause    = time.Second
	dialPauseMax = 30 * time.Second
)

// dial connects to Temporal and retries while Temporal is unreachable, so that a worker
// may start before Temporal does. It returns nil without an error when ctx ends
// first.
func dial(ctx context.Context, log *slog.Logger, options client.Options) (client.Client, error) {
	for pause := dialPause; ; pause = min(2*pause, dialPauseMax) {
		c, err := temporalclient.Dial(ctx, options)
		if err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, nil //nolint:nilerr // stopped before the worker ran
		}
		// At the start only: later it is the service that has changed, and the worker goes on to end what is overdue.
		if pause == dialPause && temporalclient.Misconfigured(err) {
			return nil, &misconfigured{err}
		}
		if !temporalclient.Unreachable(errors.Unwrap(err)) && !temporalclient.Unreachable(err) {
			return nil, err
		}
		log.Warn("Temporal is unreachable: retrying", "error", err, "next_attempt_in", pause.String())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, nil
		}
	}
}
