package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/reconciler"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/internal/writers"
)

// overdueLimit bounds how many claims one look takes.
const overdueLimit = 10_000

// startReconciler releases what is overdue until ctx ends, also while Temporal cannot be reached. The caller calls
// wait before it closes the database.
func startReconciler(
	ctx context.Context, log *slog.Logger, cfg config.Config, s1 *console.Client, db *store.Store, rules rules,
	notifications *activities.Notify, options client.Options,
) (ticker *reconciler.Ticker, wait func()) {
	authority := activities.NewAuthority(db, s1.Console(), rules.signers).Following(rules.policy)
	claims := authority.Claims(log)
	metrics := options.MetricsHandler
	if metrics == nil {
		metrics = client.MetricsNopHandler
	}
	ticker = reconciler.New(reconciler.Options{
		Overdue: func(ctx context.Context, due time.Time) ([]reconciler.Claim, error) {
			if err := claims.CatchUp(ctx); err != nil {
				return nil, err
			}
			all, err := db.OverdueClaims(ctx, s1.Console(), due.Add(store.OverdueAfter), overdueLimit)
			return overdueRuns(all), err
		},
		Lock: func(ctx context.Context) (reconciler.Lock, error) {
			lock, err := db.LockReconciler(ctx, s1.Console())
			if errors.Is(err, store.ErrLocked) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			return lock, nil
		},
		Releaser: activities.NewPrincipal(s1, db, authority).Notifying(notifications),
		Follow: func(ctx context.Context, temporal client.Client, c reconciler.Claim) error {
			finding, err := writers.Mend(ctx, temporal, options.Namespace, writerOf(s1.Console(), cfg.Worker.TaskQueue, c))
			if err != nil {
				return err
			}
			if finding.Fault != "" {
				finding.Count(metrics)
				log.Warn("A principal's writer did not release in time, and was mended", "principal", c.Principal.String(),
					"fault", finding.Fault, "finding", finding.Text)
			}
			return notifications.Announce(ctx, wire.AnnounceInput{
				Event: wire.Event{Type: wire.EventOverdue, Request: c.Run.Request, Run: c.Run.ID},
			})
		},
		Drift:    activities.NewDriftRules(s1, db, rules.policy, cfg.Worker.TaskQueue, log).Apply,
		ReadOnly: cfg.Console.ReadOnly, Log: log, Metrics: metrics,
	})
	done := make(chan struct{})
	go func() { defer close(done); ticker.Run(ctx) }()
	return ticker, func() { <-done }
}

// writerOf is the writer of the principal whose access a claim is.
func writerOf(console, queue string, c reconciler.Claim) wire.Writer {
	return wire.Writer{
		WorkflowID: wire.PrincipalID(console, c.Principal.Kind, c.Principal.ID), WorkflowType: wire.PrincipalType,
		Update: wire.ChangeUpdate, TaskQueue: queue,
		Start: wire.WriterStart{Console: console, Kind: c.Principal.Kind, ID: c.Principal.ID},
	}
}

// overdueRuns are the runs of requests with overdue claims: one change releases all claims of a run. What no request on
// record has given is drift, which the policy's rules are about.
func overdueRuns(all []store.Claim) (out []reconciler.Claim) {
	seen := map[string]bool{}
	for _, c := range all {
		if run := c.Of(); c.Authorized && !seen[run.String()] {
			seen[run.String()] = true
			out = append(out, reconciler.Claim{Run: run, Principal: c.Principal, Due: c.Due})
		}
	}
	return out
}
