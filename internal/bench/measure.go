package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// row is one column of the table: a size on a database.
type row struct {
	size, database string
	fixed          time.Duration // Temporal's own cost, measured separately
	bare           time.Duration // this and the samples are medians of all rounds
	first, second  sample
	rows           int   // of the console
	memory         int64 // peak of the worker over both syncs, bytes
}

// sample is one sync.
type sample struct {
	wall       time.Duration
	database   time.Duration // spent in the store's transactions
	requests   int
	events     int
	activities int
	heartbeats int
	state      string
	written    int // assignment rows
}

// fixedCost is the time of a sync with hardly any rows and no latency.
func (b *bench) fixedCost(ctx context.Context, database string) (time.Duration, error) {
	url, stop, err := b.simulator(ctx, 0, "--users", "1", "--service-users", "1", "--sites", "1")
	if err != nil {
		return 0, err
	}
	defer stop()
	var all []time.Duration
	for range b.o.rounds {
		got, _, err := b.syncs(ctx, url, database, 1)
		if err != nil {
			return 0, err
		}
		all = append(all, got[0].wall)
	}
	return median(all), nil
}

// measure runs the rounds of one size on one database.
func (b *bench) measure(ctx context.Context, size, database string) (row, error) {
	out := row{size: size, database: database}
	url, stop, err := b.simulator(ctx, b.o.latency, "--size", size)
	if err != nil {
		return out, err
	}
	defer stop()
	// Not counted: the console renders its rows at the first request.
	if _, out.rows, err = bareLoop(ctx, url, consoletest.DefaultToken); err != nil {
		return out, err
	}
	var bare []time.Duration
	var first, second []sample
	for range b.o.rounds {
		took, _, err := bareLoop(ctx, url, consoletest.DefaultToken)
		if err != nil {
			return out, err
		}
		got, memory, err := b.syncs(ctx, url, database, 2)
		if err != nil {
			return out, err
		}
		bare, first, second = append(bare, took), append(first, got[0]), append(second, got[1])
		out.memory = max(out.memory, memory)
	}
	out.bare, out.first, out.second = median(bare), middle(first), middle(second)
	return out, nil
}

// syncs runs syncs one after the other with one worker on a new database.
func (b *bench) syncs(ctx context.Context, url, database string, n int) ([]sample, int64, error) {
	databaseURL, err := b.database(ctx, database)
	if err != nil {
		return nil, 0, err
	}
	queue := fmt.Sprintf("bench-%d", b.runs)
	w, output, err := b.worker(ctx, url, databaseURL, queue)
	if err != nil {
		return nil, 0, err
	}
	out := make([]sample, n)
	for i := range out {
		if out[i], err = b.sync(ctx, output, queue, fmt.Sprintf("%s/%d", wire.SyncID(queue), i),
			wire.SyncInput{}); err != nil {
			w.Kill()
			return nil, 0, fmt.Errorf("%w; the output of the worker ends:\n%s", err, output.Tail())
		}
	}
	if _, err := w.Stop(startLimit); err != nil {
		return nil, 0, err
	}
	return out, w.PeakMemory(), nil
}

func (b *bench) sync(
	ctx context.Context, output *testbed.Output, queue, id string, in wire.SyncInput,
) (sample, error) {
	c, err := b.temporal.Client(ctx)
	if err != nil {
		return sample{}, err
	}
	defer c.Close()
	beats, err := b.heartbeats(ctx)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue},
		wire.SyncType, in)
	if err != nil {
		return sample{}, err
	}
	var result wire.SyncResult
	if err := run.Get(ctx, &result); err != nil {
		return sample{}, err
	}
	out := sample{
		wall: time.Since(began), requests: result.Requests, state: result.State,
		written: result.Changes.Added + result.Changes.Removed,
	}
	if out.heartbeats, err = b.heartbeats(ctx); err != nil {
		return sample{}, err
	}
	out.heartbeats -= beats
	if out.database, err = databaseTime(output, result.Snapshot); err != nil {
		return sample{}, err
	}
	out.events, out.activities, err = countEvents(ctx, c, id)
	return out, err
}

func median[T time.Duration | int | float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// middle returns the sample with the median wall time.
func middle(all []sample) sample {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b sample) int { return int(a.wall - b.wall) })
	return sorted[len(sorted)/2]
}
