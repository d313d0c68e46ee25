package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/telemetry"
)

// How often the worker asks the console when its token expires, for the metric: it moves only when the token is
// replaced.
const (
	tokenEvery = time.Hour
	tokenAgain = time.Minute // while the console gives no answer
)

// serveMetrics serves the metrics, if they are wanted: else it returns nil.
func serveMetrics(ctx context.Context, cfg config.Config) (*telemetry.Metrics, error) {
	if cfg.Telemetry.Metrics == "" {
		return nil, nil
	}
	base, err := console.ParseBaseURL(cfg.Console.BaseURL)
	if err != nil {
		return nil, err
	}
	return telemetry.ServeMetrics(ctx, cfg.Telemetry.Metrics, base.Host)
}

// measure has m measure the requests of s1 and the state of the database, until ctx ends and the caller has waited.
// m is nil without metrics, and traces without traces.
func measure(
	ctx context.Context, log *slog.Logger, m *telemetry.Metrics, traces *telemetry.Traces, s1 *console.Client,
	db *store.Store,
) (wait func()) {
	switch {
	case m != nil && traces != nil:
		s1.Observe(observers{m.Requests, traces})
	case m != nil:
		s1.Observe(m.Requests)
	case traces != nil:
		s1.Observe(traces)
	}
	if m == nil {
		return func() {}
	}
	var token tokenEnd
	m.ReadState(func(ctx context.Context) (telemetry.State, error) {
		state, err := readState(ctx, db, s1.Console())
		if err != nil {
			log.Warn("Cannot read the metrics that come from the database", "error", err)
		}
		return state, err
	}, token.get)
	done := make(chan struct{})
	go func() { defer close(done); token.watch(ctx, s1) }()
	return func() { <-done }
}

// observers tells several of each request.
type observers []console.Observer

// Answered implements [console.Observer].
func (all observers) Answered(ctx context.Context, method, endpoint string, status int, took time.Duration) {
	for _, o := range all {
		o.Answered(ctx, method, endpoint, status, took)
	}
}

// Waited implements [console.Observer].
func (all observers) Waited(budget string, took time.Duration) {
	for _, o := range all {
		o.Waited(budget, took)
	}
}

// readState turns what the store measures into metrics.
func readState(ctx context.Context, db *store.Store, name string) (telemetry.State, error) {
	m, err := db.Measures(ctx, name, time.Now().UTC())
	if err != nil {
		return telemetry.State{}, err
	}
	out := telemetry.State{
		SyncedAt: m.SyncedAt, Quarantined: m.Quarantined, Pending: m.Pending, Begun: m.Begun,
		OldestPending: m.OldestPending, Overdue: m.Overdue, LedgerBehind: m.Behind,
		Rows: map[string]int{"assignments": m.Assignments}, Drift: map[string]int{},
	}
	for collection, n := range m.Rows {
		out.Rows[string(collection)] = n
	}
	for kind, n := range m.Drift {
		out.Drift[string(kind)] = n
	}
	if m.Head != nil {
		out.LedgerHead, out.LedgerSealed = m.Head.Seq, m.Head.Sealed()
	}
	return out, nil
}

// tokenEnd is when the API token expires, as the console said last.
type tokenEnd struct{ at atomic.Pointer[time.Time] }

// get returns the zero time for a token that does not expire, and false before the console has answered.
func (t *tokenEnd) get() (time.Time, bool) {
	if at := t.at.Load(); at != nil {
		return *at, true
	}
	return time.Time{}, false
}

// watch asks the console until ctx ends.
func (t *tokenEnd) watch(ctx context.Context, s1 *console.Client) {
	for {
		pause := tokenEvery
		details, err := s1.TokenDetails(ctx)
		switch {
		case err != nil:
			pause = tokenAgain
		case details.ExpiresAt == nil:
			t.at.Store(&time.Time{})
		default:
			t.at.Store(details.ExpiresAt)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}
