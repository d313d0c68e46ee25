package reconciler

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
)

// Ticker releases what is overdue on one console.
type Ticker struct {
	o        Options
	temporal atomic.Pointer[client.Client]

	// The rest belongs to the goroutine of Run.
	lock    Lock            // nil while another process is at work
	jobs    map[string]*job // by run
	busy    map[string]bool // subjects that a job works on
	running int
	failed  int // attempts since the last one that succeeded
	results chan result
	drift   beside
	stalled beside
	stoodBy time.Time // when this process last looked though it is not at work
	work    sync.WaitGroup
}

// New makes a ticker; see [Ticker.Run].
func New(o Options) *Ticker {
	return &Ticker{
		o: o.withDefaults(), jobs: map[string]*job{}, busy: map[string]bool{}, results: make(chan result, slots),
	}
}

// Reach says that Temporal can be reached, through c. Before that, overdue access is released, and nobody is told.
func (t *Ticker) Reach(c client.Client) { t.temporal.Store(&c) }

// client reaches Temporal; nil before [Ticker.Reach].
func (t *Ticker) client() client.Client {
	if c := t.temporal.Load(); c != nil {
		return *c
	}
	return nil
}

// Run works until ctx ends, and then waits for the attempts that it has begun: they end with ctx.
func (t *Ticker) Run(ctx context.Context) {
	working, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		t.work.Wait()
		t.giveUpLock(ctx)
	}()
	tick := time.NewTicker(t.o.Every)
	defer tick.Stop()
	t.stoodBy = time.Now()
	for t.look(working); ; {
		select {
		case <-ctx.Done():
			return
		case r := <-t.results:
			t.take(r)
			if t.failed < failuresInRow { // else the next look makes one attempt
				t.startDue(working)
			}
		case <-t.nextDue():
			t.startDue(working)
		case <-tick.C:
			t.look(working)
		}
	}
}

// look takes over the claims that are overdue now.
func (t *Ticker) look(ctx context.Context) {
	after, leads := t.o.After, t.leads(ctx)
	if !leads {
		if time.Since(t.stoodBy) < t.o.StandByEvery {
			return
		}
		t.stoodBy = time.Now()
		after += t.o.StandByAfter
	} else {
		t.startStalled(ctx)
	}
	claims, err := t.o.Overdue(ctx, t.o.Now().Add(-after))
	if err != nil {
		if ctx.Err() == nil {
			t.o.Log.Error("Cannot find out which access is overdue: retrying", "error", err)
		}
		return
	}
	if leads {
		t.o.Metrics.Gauge(LastRunMetric).Update(float64(time.Now().Unix()))
	}
	t.adopt(claims)
	t.startDue(ctx)
	if leads {
		t.startDrift(ctx)
	}
}

// beside is work of the process that is at work, now and then, beside the releases.
type beside struct {
	runs  atomic.Bool
	began time.Time // last
}

// start begins the work, unless that of before goes on, or has begun a short time ago.
func (b *beside) start(ctx context.Context, t *Ticker, every time.Duration, do func() error, failed func(error)) {
	if time.Since(b.began) < every || !b.runs.CompareAndSwap(false, true) {
		return
	}
	b.began = time.Now()
	t.work.Go(func() {
		defer b.runs.Store(false)
		if err := do(); err != nil && ctx.Err() == nil {
			failed(err)
		}
	})
}

// startDrift has the drift rules carried out: now and then, and as soon as there is something to do.
func (t *Ticker) startDrift(ctx context.Context) {
	if t.o.Drift == nil || t.o.ReadOnly {
		return
	}
	every := t.o.DriftEvery
	if t.o.DriftSooner != nil && t.o.DriftSooner(ctx) {
		every = 0
	}
	t.drift.start(ctx, t, every, func() error { return t.o.Drift(ctx, t.client()) }, func(err error) {
		t.o.Log.Warn("Cannot carry out all drift rules: retrying", "error", err)
	})
}

// startStalled has requests go on that have stalled. Without Temporal, nothing is known of them.
func (t *Ticker) startStalled(ctx context.Context) {
	temporal := t.client()
	if t.o.Stalled == nil || temporal == nil {
		return
	}
	t.stalled.start(ctx, t, t.o.StalledEvery, func() error { return t.o.Stalled(ctx, temporal) }, func(err error) {
		t.o.Log.Warn("Cannot look after all requests that have stalled: retrying", "error", err)
	})
}

// leads says whether this process is the one at work.
func (t *Ticker) leads(ctx context.Context) bool {
	if t.lock != nil {
		held, err := t.lock.Held(ctx)
		if held || err != nil { // the attempts have locks of their own
			return held
		}
		t.o.Log.Warn("Another worker has taken over the release of overdue access")
		t.giveUpLock(ctx)
	}
	lock, err := t.o.Lock(ctx)
	if err != nil && ctx.Err() == nil {
		t.o.Log.Error("Cannot find out whether another worker releases overdue access: retrying", "error", err)
	}
	t.lock = lock
	if lock != nil {
		t.adoptUnconfirmed(ctx)
	}
	return lock != nil
}

// adoptUnconfirmed goes on with what another process has released.
func (t *Ticker) adoptUnconfirmed(ctx context.Context) {
	if t.o.Unconfirmed == nil || t.o.ReadOnly {
		return
	}
	claims, err := t.o.Unconfirmed(ctx)
	if err != nil {
		t.o.Log.Warn("Cannot find out which releases are not confirmed yet", "error", err)
	}
	for _, c := range claims {
		if t.jobs[c.Run.String()] == nil {
			t.jobs[c.Run.String()] = &job{claim: c, stage: confirming, since: time.Now()}
		}
	}
}

func (t *Ticker) giveUpLock(ctx context.Context) {
	if t.lock == nil {
		return
	}
	if err := t.lock.Release(ctx); err != nil {
		t.o.Log.Warn("Cannot hand over the release of overdue access; the lock ends by itself", "error", err)
	}
	t.lock = nil
}
