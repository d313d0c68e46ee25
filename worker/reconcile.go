package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/claims"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/reconciler"
	"sentinelone-provisioner/internal/stalled"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/internal/writers"
)

const (
	// overdueLimit bounds how many requests one look takes. It must be more than can fail for good: those behind
	// them would never have their turn.
	overdueLimit = 100_000
	// unconfirmedFor is how long ago another process may have released what this one confirms.
	unconfirmedFor = time.Hour
)

// overdueWork is what the reconciler of one console works with.
type overdueWork struct {
	log           *slog.Logger
	console       string // its name in the store
	queue         string // of workflows
	namespace     string
	db            *store.Store
	claims        claims.Projector
	principals    *activities.Principal
	notifications *activities.Notify
	metrics       client.MetricsHandler
}

// startReconciler releases what is overdue until ctx ends, also while Temporal cannot be reached. The caller calls
// wait before it closes the database.
func startReconciler(
	ctx context.Context, log *slog.Logger, cfg config.Config, s1 *console.Client, db *store.Store, rules rules,
	notifications *activities.Notify, options client.Options,
) (ticker *reconciler.Ticker, wait func()) {
	authority := activities.NewAuthority(db, s1.Console(), rules.signers).Following(rules.policy)
	w := overdueWork{
		log: log, console: s1.Console(), queue: cfg.Worker.TaskQueue, namespace: options.Namespace, db: db,
		claims: authority.Claims(log), notifications: notifications, metrics: options.MetricsHandler,
		principals: activities.NewPrincipal(s1, db, authority).Notifying(notifications),
	}
	if w.metrics == nil {
		w.metrics = client.MetricsNopHandler
	}
	stalledRequests := &stalled.Looker{Namespace: w.namespace, TaskQueue: w.queue}
	explained := activities.NewDrift(authority, notifications)
	driftRules := activities.NewDriftRules(s1, db, rules.policy, cfg.Worker.TaskQueue, log)
	ticker = reconciler.New(reconciler.Options{
		Overdue: w.overdue, Unconfirmed: w.unconfirmed, Lock: w.lock, Releaser: w.principals, Follow: w.follow,
		Drift: func(ctx context.Context, temporal client.Client) error {
			_, err := explained.Explain(attempt.Outside(ctx, attempt.Runtime{
				Logger: sdklog.NewStructuredLogger(log), Metrics: w.metrics, Client: temporal,
			}))
			return errors.Join(err, driftRules.Apply(ctx, temporal))
		},
		DriftSooner: driftRules.Sooner,
		Stalled: func(ctx context.Context, temporal client.Client) error {
			return w.endStalled(ctx, temporal, stalledRequests)
		},
		ReadOnly: cfg.Console.ReadOnly, Log: log, Metrics: w.metrics,
	})
	done := make(chan struct{})
	go func() { defer close(done); ticker.Run(ctx) }()
	return ticker, func() { <-done }
}

// endStalled has requests go on that wait for an attempt which Temporal should have ended.
func (w overdueWork) endStalled(ctx context.Context, temporal client.Client, look *stalled.Looker) error {
	found, err := look.Look(ctx, temporal)
	for _, f := range found {
		w.metrics.Counter(stalled.EndedMetric).Inc(1)
		w.log.Warn("An attempt outlived its timeout, and is made again",
			"request", f.Request, "activity", f.Activity, "since", f.Since)
	}
	return err
}

// overdue lists what had to be gone at that time.
func (w overdueWork) overdue(ctx context.Context, due time.Time) ([]reconciler.Claim, error) {
	if err := w.claims.CatchUp(ctx); err != nil {
		return nil, err
	}
	all, err := w.db.OverdueRuns(ctx, w.console, due.Add(store.OverdueAfter), overdueLimit)
	if err != nil {
		return nil, err
	}
	out := make([]reconciler.Claim, 0, len(all))
	for _, r := range all {
		out = append(out, reconciler.Claim{Run: r.Run, Principal: r.Principal, Due: r.Due})
	}
	return out, nil
}

// unconfirmed lists what another process has released, and has not read again.
func (w overdueWork) unconfirmed(ctx context.Context) (out []reconciler.Claim, err error) {
	if err := w.claims.CatchUp(ctx); err != nil {
		return nil, err
	}
	all, err := w.db.ClaimsClosedSince(ctx, w.console, time.Now().Add(-unconfirmedFor), overdueLimit)
	for _, c := range runsOf(all) {
		open, err := w.principals.Unconfirmed(ctx, c.Run)
		if err != nil {
			return out, err
		}
		if open {
			out = append(out, c)
		}
	}
	return out, err
}

// lock is nil while another process holds the lock.
func (w overdueWork) lock(ctx context.Context) (reconciler.Lock, error) {
	lock, err := w.db.LockReconciler(ctx, w.console)
	switch {
	case errors.Is(err, store.ErrLocked):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return lock, nil
}

// follow mends the writer of the principal, and tells people.
func (w overdueWork) follow(ctx context.Context, temporal client.Client, c reconciler.Claim) error {
	finding, err := writers.Mend(ctx, temporal, w.namespace, w.writerOf(c))
	if err != nil {
		return err
	}
	if finding.Fault != "" {
		finding.Count(w.metrics)
		w.log.Warn("A principal's writer did not release in time, and was mended",
			"principal", c.Principal.String(), "fault", finding.Fault, "finding", finding.Text)
	}
	return w.notifications.Announce(ctx, wire.AnnounceInput{
		Event: wire.Event{Type: wire.EventOverdue, Request: c.Run.Request, Run: c.Run.ID},
	})
}

// writerOf is the writer of the principal whose access a claim is.
func (w overdueWork) writerOf(c reconciler.Claim) wire.Writer {
	return wire.Writer{
		WorkflowID: wire.PrincipalID(w.console, c.Principal.Kind, c.Principal.ID), WorkflowType: wire.PrincipalType,
		Update: wire.ChangeUpdate, TaskQueue: w.queue,
		Start: wire.WriterStart{Console: w.console, Kind: c.Principal.Kind, ID: c.Principal.ID},
	}
}

// runsOf are the runs of requests with these claims: one change releases all claims of a run. What no request on
// record has given is drift, which the policy's rules are about.
func runsOf(all []store.Claim) (out []reconciler.Claim) {
	seen := map[string]bool{}
	for _, c := range all {
		if run := c.Of(); c.Authorized && !seen[run.String()] {
			seen[run.String()] = true
			out = append(out, reconciler.Claim{Run: run, Principal: c.Principal, Due: c.Due})
		}
	}
	return out
}
