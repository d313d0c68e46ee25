package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
)

// How long a change waits between two attempts: quickly for ten minutes, then every
// five for as long as it takes.
const (
	quickFor   = 10 * time.Minute
	quickPause = 30 * time.Second // at most; it grows from two seconds
	slowPause  = 5 * time.Minute
)

// pause is the wait after an attempt, counted from 1, of work that has waited so long.
func pause(attempt int32, waited time.Duration) time.Duration {
	if waited >= quickFor {
		return slowPause
	}
	return min(time.Second<<min(attempt, 10), quickPause)
}

// WaitingMetric counts attempts to take access away that failed.
const WaitingMetric = "sentinelone_release_attempts_failed"

// wait decides what a failed attempt means, and leaves the reason where the status
// query finds it. Access that is to end is tried until it has ended.
func (w *writing) wait(ctx context.Context, cause error) error {
	detached, stop := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer stop()
	if err := w.note(detached); err != nil { // what the console said; the next attempt reads
		activity.GetLogger(ctx).Warn("Answer was not written into the ledger", "error", err)
	}
	if errors.Is(cause, errYielded) || ctx.Err() != nil {
		return cause
	}
	temporary := !fault.KindOf(cause).Final()
	ending := takesAway(w.in.Change.Change.Op)
	if !temporary && !ending {
		return cause
	}
	info := activity.GetInfo(ctx)
	now := w.now().UTC()
	delay := max(pause(info.Attempt, now.Sub(info.ScheduledTime)), fault.Delay(cause))
	next := now.Add(delay)
	err := w.store.NoteWait(detached, store.Wait{
		Console: w.in.Writer.Console, Request: w.in.Change.Request, Step: string(w.in.Change.Change.Op),
		Release: ending, Attempt: int(info.Attempt), Since: info.ScheduledTime.UTC(), At: now, NextTry: &next,
		Text: cause.Error(), Temporary: temporary,
	})
	if err != nil {
		activity.GetLogger(ctx).Warn("Reason for waiting was not stored", "error", err)
	}
	if ending {
		activity.GetLogger(ctx).Warn("Access that is to end is still there", "request", w.in.Change.Request,
			"attempt", info.Attempt, "next_try", next, "error", cause)
		activity.GetMetricsHandler(ctx).Counter(WaitingMetric).Inc(1)
	}
	if !temporary {
		cause = fault.New(fault.Unavailable, cause)
	}
	return fault.RetryIn(cause, delay)
}

// errYielded is why an attempt was given up before it began.
var errYielded = errors.New("access that is to end goes first")

// yield lets access that is to end go first once the console is back: what has failed
// before waits until each such change has had its turn since.
func (w *writing) yield(ctx context.Context) error {
	if takesAway(w.in.Change.Change.Op) || activity.GetInfo(ctx).Attempt == 1 {
		return nil
	}
	waits, err := w.store.Waits(ctx, w.in.Writer.Console)
	if err != nil {
		return err
	}
	var mine time.Time
	for _, x := range waits {
		if x.Request == w.in.Change.Request && x.Step == string(w.in.Change.Change.Op) {
			mine = x.At
		}
	}
	for _, x := range waits {
		if !x.Release || !x.Temporary || x.NextTry == nil || !x.At.Before(mine) {
			continue
		}
		// One whose time is long past has nobody behind it: do not wait for it.
		if left := x.NextTry.Sub(w.now()); left > -time.Minute {
			return fault.RetryIn(fault.New(fault.Unavailable, fmt.Errorf("%w: %s", errYielded, x.Request)),
				max(left, 0)+2*time.Second)
		}
	}
	return nil
}
