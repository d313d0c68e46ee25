package sync

import (
	"context"
	"fmt"
	"log/slog"
	gosync "sync"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Outside is one sync of all collections that runs without Temporal: the activities of this package, in the order of
// workflow Sync. Who has no worker reads a console with it into a database of its own.
type Outside struct {
	activities *Activities
	snapshot   string
	log        *slog.Logger
	patience   time.Duration
	sleep      func(context.Context, time.Duration) bool

	progress map[access.Collection]*outsideDrain
	pending  []access.Collection // to drain before the snapshot can be settled
	mu       gosync.Mutex        // guards expected
	expected map[access.Collection]int
	checked  bool
	recheck  bool // collections were drained a second time
	round    int
}

// outsideDrain is how far one collection is.
type outsideDrain struct {
	attempt, times int  // of the drain; times counts those of one round
	open           bool // the attempt has not ended, so that the next call resumes it
	limit          int
	doubt          string
}

// OutsideOptions are those of [NewOutside].
type OutsideOptions struct {
	// Snapshot is the id of the snapshot to make.
	Snapshot string
	Log      *slog.Logger
	// Patience is how long one call of Run waits for a console that does not answer or limits requests.
	Patience time.Duration
}

// NewOutside prepares a sync of the client's console into a store. A snapshot that would drop what is already there is
// held back only if a whole list would be gone: nobody could confirm it.
func NewOutside(c *console.Client, s *store.Store, o OutsideOptions) *Outside {
	return &Outside{
		activities: New(c, s, Guard{MaxPercent: 100}),
		snapshot:   o.Snapshot, log: o.Log, patience: o.Patience, sleep: sleep,
		pending: access.Collections(), progress: map[access.Collection]*outsideDrain{},
	}
}

// Run makes the snapshot. Its state is promoted or unchanged; or quarantined, with the reasons: it does not balance,
// and is not visible to readers. After an error, another call goes on at the last saved page. The error has a kind of
// package fault: RateLimited and Unavailable mean that the console needs longer than the patience.
func (o *Outside) Run(ctx context.Context) (wire.SyncSettleResult, error) {
	ctx = attempt.Outside(ctx, attempt.Runtime{
		Logger: sdklog.NewStructuredLogger(o.log), Metrics: client.MetricsNopHandler, Number: 1,
	})
	until := time.Now().Add(o.patience)
	if err := o.begin(ctx, until); err != nil {
		return wire.SyncSettleResult{}, err
	}
	for ; o.round < wire.MaxRounds; o.round++ {
		if err := o.drainPending(ctx, until); err != nil {
			return wire.SyncSettleResult{}, err
		}
		out, err := patiently(ctx, o, until, func() (wire.SyncSettleResult, error) {
			return o.activities.Settle(ctx, o.settleInput())
		})
		if err != nil || out.State != wire.SettledAgain {
			return out, err
		}
		o.again(out)
	}
	return wire.SyncSettleResult{}, kinds.New(kinds.Conflict, fmt.Errorf(
		"the console changed while it was read, %d times: try again when fewer people change it", wire.MaxRounds))
}

func (o *Outside) begin(ctx context.Context, until time.Time) error {
	if o.checked {
		return nil
	}
	_, err := o.activities.Begin(ctx, wire.SyncBeginInput{
		Snapshot: o.snapshot, Collections: access.Collections(), StartedAt: time.Now().UTC(),
	})
	if err != nil {
		return err
	}
	out, err := patiently(ctx, o, until, func() (wire.SyncCheckResult, error) {
		return o.activities.Check(ctx, wire.SyncCheckInput{Snapshot: o.snapshot, Collections: access.Collections()})
	})
	o.expected, o.checked = out.Expected, err == nil
	return err
}

// drainPending drains collections side by side. The first that fails stops the others.
func (o *Outside) drainPending(ctx context.Context, until time.Time) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range o.pending {
		if o.progress[c] == nil {
			o.progress[c] = &outsideDrain{}
		}
	}
	for _, c := range o.pending {
		group.Go(func() error { return o.drain(ctx, until, c) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	o.pending = nil
	return nil
}

// drain drains a collection until it is proven, or often enough.
func (o *Outside) drain(ctx context.Context, until time.Time, c access.Collection) error {
	p := o.progress[c]
	for p.open || p.times == 0 || p.doubt != "" && p.times < wire.MaxDrains {
		in := o.next(c, p)
		out, err := patiently(ctx, o, until, func() (wire.SyncDrainResult, error) {
			return o.activities.Drain(ctx, in)
		})
		if err != nil {
			return err
		}
		p.open, p.doubt, p.limit = false, out.Doubt, out.Limit
		if p.doubt == "" {
			return nil
		}
		o.log.Info("Collection is drained again", "collection", c, "doubt", p.doubt)
		if p.times < wire.MaxDrains && !o.sleep(ctx, wire.PauseBetweenDrains(p.times)) {
			return ctx.Err()
		}
	}
	return nil
}

// next is the drain to resume, or another one.
func (o *Outside) next(c access.Collection, p *outsideDrain) wire.SyncDrainInput {
	o.mu.Lock()
	defer o.mu.Unlock()
	in := wire.SyncDrainInput{Snapshot: o.snapshot, Collection: c, Limit: p.limit}
	if !p.open {
		p.attempt, p.times, p.open = p.attempt+1, p.times+1, true
		if p.attempt > 1 {
			delete(o.expected, c) // it dates from before the first drain; a new one asks again
		}
	}
	if n, known := o.expected[c]; known {
		in.Expected = &n
	}
	in.Attempt = p.attempt
	return in
}

func (o *Outside) settleInput() wire.SyncSettleInput {
	in := wire.SyncSettleInput{
		Snapshot: o.snapshot, Collections: access.Collections(), Rechecked: o.recheck,
		Doubts: map[access.Collection]string{}, Attempts: map[access.Collection]int{},
	}
	for c, p := range o.progress {
		in.Attempts[c] = p.attempt
		if p.doubt != "" {
			in.Doubts[c] = p.doubt
		}
	}
	return in
}

// again has collections drained once more.
func (o *Outside) again(out wire.SyncSettleResult) {
	o.pending, o.recheck = out.Again, o.recheck || out.Recheck
	for _, c := range out.Again {
		o.progress[c].times = 0
	}
}

const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// patiently repeats a call that may succeed later, as Temporal does with activities, until the next attempt would
// come too late.
func patiently[T any](ctx context.Context, o *Outside, until time.Time, call func() (T, error)) (T, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		out, err := call()
		kind := fault.KindOf(err)
		if err == nil || ctx.Err() != nil || kind != kinds.Unavailable && kind != kinds.RateLimited {
			return out, err
		}
		wait := fault.Delay(err)
		if wait <= 0 {
			wait = pause
		}
		if time.Now().Add(wait).After(until) || !o.sleep(ctx, wait) {
			return out, err
		}
	}
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
