package sync

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// Progress is what a draining activity heartbeats.
type Progress struct {
	Pages int `json:"pages"`
	Rows  int `json:"rows"`
	// Limit is the rows asked for at once where that is fewer than a console gives; the next
	// attempt starts with it.
	Limit int `json:"limit,omitempty"`
}

// Drain walks a collection to its end and proves that it saw every row.
//
// A page and the cursor behind it are saved in one transaction before the next
// page is asked for, so a worker killed anywhere fetches at most one page twice.
// Turning saved pages into rows runs beside the fetching and resumes likewise.
//
// Fails as the console's calls do; a store that another attempt of this activity
// has moved on gives a retryable error.
func (s *Activities) Drain(ctx context.Context, in wire.SyncDrainInput) (wire.SyncDrainResult, error) {
	d := &drain{sync: s, in: in, size: resumeSize(ctx, in.Limit)}
	defer attempt.KeepAliveWith(ctx, d.progress)()
	if err := s.checkSnapshot(ctx, in.Snapshot); err != nil {
		return wire.SyncDrainResult{}, err
	}
	err := d.run(ctx)
	if err != nil {
		if d.progressed.Load() {
			err = kinds.RetryIn(err, afterProgress)
		}
		s.recordWait(ctx, in.Snapshot, in.Collection, err, d.unsaved())
		return d.doubtOf(err)
	}
	return d.conclude(ctx)
}

// doubtOf turns a walk that cannot be completed into a doubt about it.
func (d *drain) doubtOf(err error) (wire.SyncDrainResult, error) {
	why, ok := errors.AsType[*paginationAbortedError](err)
	if !ok {
		return wire.SyncDrainResult{}, err
	}
	return wire.SyncDrainResult{
		Pages: int(d.pages.Load()), Rows: int(d.rows.Load()), Doubt: why.Error(), Requests: int(d.requests.Load()),
		Limit: d.size.next(),
	}, nil
}

// afterProgress is the pause before the next attempt when this one got further:
// the policy's pause grows with every attempt of a long walk and would punish
// the last hiccup for the first ones.
const afterProgress = time.Second

type drain struct {
	sync *Activities
	in   wire.SyncDrainInput
	size *pageSize

	pages, rows atomic.Int64
	requests    atomic.Int64 // sent by this attempt
	saved       int64        // of those, the ones the store has counted
	progressed  atomic.Bool  // this attempt saved a page
}

func (d *drain) progress() any {
	return Progress{Pages: int(d.pages.Load()), Rows: int(d.rows.Load()), Limit: d.size.smaller()}
}

// unsaved is how many requests the store has not been told of yet. Not for use
// while pages are being fetched.
func (d *drain) unsaved() int {
	n := d.requests.Load()
	delta := n - d.saved
	d.saved = n
	return int(delta)
}

// run fetches pages and loads them side by side.
func (d *drain) run(ctx context.Context) error {
	state, err := d.sync.store.StartDrain(ctx, d.in.Snapshot, d.in.Collection, d.in.Attempt)
	if err != nil {
		return err
	}
	ctx = console.WithRequestCounter(ctx, &d.requests)
	group, ctx := errgroup.WithContext(ctx)
	arrived := make(chan struct{}, 1)
	group.Go(func() error {
		defer close(arrived)
		return d.fetch(ctx, state, arrived)
	})
	group.Go(func() error { return d.load(ctx, arrived) })
	return group.Wait()
}

// conclude compares what was received with the console's own counts.
func (d *drain) conclude(ctx context.Context) (wire.SyncDrainResult, error) {
	sum, err := d.sync.store.Drained(ctx, d.in.Snapshot, d.in.Collection, d.in.Attempt)
	if err != nil {
		return wire.SyncDrainResult{}, err
	}
	if sum.Stale { // left out when the snapshot is settled, so there is nothing to prove
		return wire.SyncDrainResult{Pages: sum.Pages, Rows: sum.Distinct, Requests: sum.Requests}, nil
	}
	ctx = console.WithRequestCounter(ctx, &d.requests)
	proof, err := d.sync.prove(ctx, d.in, sum)
	if err != nil {
		d.sync.recordWait(ctx, d.in.Snapshot, d.in.Collection, err, d.unsaved())
		return wire.SyncDrainResult{}, err
	}
	return wire.SyncDrainResult{
		Pages: sum.Pages, Rows: sum.Distinct, Expected: proof.expected, Doubt: proof.doubt,
		Unassigned: sum.Unassigned, Requests: sum.Requests + d.unsaved(), Limit: d.size.next(),
	}, nil
}
