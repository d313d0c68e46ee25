package provision

import (
	"context"
	"errors"
	"time"

	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

const (
	// DefaultWait is how long a task waits for a request. ConductorOne gives up after about five minutes.
	DefaultWait = 4 * time.Minute
	// DefaultBrief is how long a task waits without a place of its own: most requests that wait for nobody have
	// ended by then.
	DefaultBrief = 15 * time.Second
	// pendingPatience is the pause between two looks at a request that waits for people: its end is seen at once.
	pendingPatience = 5 * time.Second
)

// WaiterOptions bound how long tasks wait, and how many.
type WaiterOptions struct {
	Wait  time.Duration // for one task, from its start; 0: [DefaultWait]
	Brief time.Duration // without a place; 0: [DefaultBrief]
	// Concurrency is how many tasks the SDK runs at once (--task-concurrency).
	Concurrency int
}

// Waiter waits for requests in a bounded number of places. It is safe for concurrent use.
type Waiter struct {
	wait, brief time.Duration
	places      *places
}

// NewWaiter makes the waiter of one connector process: all its tasks share the places.
func NewWaiter(o WaiterOptions) *Waiter {
	w := &Waiter{wait: o.Wait, brief: o.Brief, places: newPlaces(o.Concurrency)}
	if w.wait <= 0 {
		w.wait = DefaultWait
	}
	if w.brief <= 0 {
		w.brief = DefaultBrief
	}
	return w
}

// Limit bounds everything that one task does. The caller calls stop at its end.
func (w *Waiter) Limit(ctx context.Context) (limited context.Context, stop context.CancelFunc) {
	return context.WithTimeout(ctx, w.wait)
}

// Answer is how far a request was when the task stopped waiting for it.
type Answer struct {
	requestrecord.Observation

	Run temporalclient.Run
}

// Follow waits until the request has ended or settled, or until ctx ends, which [Waiter.Limit] has bounded. While it
// waits for people, or for longer than briefly, it needs a place: without one it answers at once, and also if no worker
// has answered by then. endsAccess says that
// the request takes access away, which has a place that others cannot take. It fails if the task itself was stopped,
// or if Temporal no longer knows the run.
func (w *Waiter) Follow(
	ctx context.Context, r Requests, run temporalclient.Run, endsAccess bool, settled func(wire.RequestStatus) bool,
) (Answer, error) {
	out := Answer{Run: run}
	brief := time.NewTimer(w.brief)
	defer brief.Stop()
	patience, placed := temporalclient.PollInterval, false
	defer func() {
		if placed {
			w.places.leave()
		}
	}()
	for {
		seen, err := r.Await(ctx, run, patience)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return out, nil // what was seen last stands
		case err != nil:
			return out, err
		}
		if seen.Status != nil || seen.Over || out.Status == nil {
			out.Observation = seen
		} // else Temporal did not answer, at the end of the wait perhaps: what was seen before says more
		if seen.Over || seen.Status != nil && settled(*seen.Status) {
			return out, nil
		}
		if placed || !isLong(seen) && !over(brief) {
			continue
		}
		if seen.Status == nil || !w.places.take(endsAccess) { // without a worker, nothing comes of waiting
			return out, nil
		}
		patience, placed = pendingPatience, true
	}
}

// isLong reports whether a request waits for people.
func isLong(seen requestrecord.Observation) bool {
	return seen.Status != nil && seen.Status.Waiting != "" && seen.Status.State == wire.StateAwaitingApproval
}

func over(t *time.Timer) bool {
	select {
	case <-t.C:
		return true
	default:
		return false
	}
}
