package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
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
	detached, release := attempt.ForLastWrite(ctx)
	defer release()
	if err := w.note(detached); err != nil { // what the console said; the next attempt reads
		activity.GetLogger(ctx).Warn("Answer was not written into the ledger", "error", err)
	}
	if errors.Is(cause, errYielded) || ctx.Err() != nil {
		return cause
	}
	temporary := !fault.KindOf(cause).Final()
	ending := takesAway(w.in.Change.Change.Op)
	if !temporary && !ending {
		return errors.Join(cause, w.clearWait(detached, w.in.Change))
	}
	info := activity.GetInfo(ctx)
	now := w.now().UTC()
	delay := max(pause(info.Attempt, now.Sub(info.ScheduledTime)), fault.Delay(cause))
	if err := w.noteWait(detached, cause, now, delay); err != nil {
		activity.GetLogger(ctx).Warn("Reason for waiting was not stored", "error", err)
	}
	if ending {
		activity.GetLogger(ctx).Warn("Access that is to end is still there", "request", w.in.Change.Request,
			"attempt", info.Attempt, "next_try", now.Add(delay), "error", cause)
		activity.GetMetricsHandler(ctx).Counter(WaitingMetric).Inc(1)
	}
	if now.Sub(info.ScheduledTime) >= quickFor {
		w.tellOfWait(ctx, now, cause, ending)
	}
	if !temporary {
		cause = kinds.New(kinds.Unavailable, cause)
	}
	return kinds.RetryIn(cause, delay)
}

// tellOfWait tells people, once for each change, that it waits for the console.
func (w *writing) tellOfWait(ctx context.Context, now time.Time, cause error, ending bool) {
	info := activity.GetInfo(ctx)
	what := "A change waits for SentinelOne"
	if ending {
		what = "Access that is to end is still there"
	}
	w.notify.BestEffort(ctx, wire.Event{
		ID: w.in.Change.Key + "/waiting", Type: wire.EventWaiting, At: now, Request: w.in.Change.Request,
		Text: fmt.Sprintf("%s after %d attempts, since %s: %v",
			what, info.Attempt, info.ScheduledTime.UTC().Format(time.RFC3339), cause),
	})
}

// noteWait leaves the reason where the status query finds it: at is when the attempt
// was made, and the next one is so long from now.
func (w *writing) noteWait(ctx context.Context, cause error, at time.Time, delay time.Duration) error {
	info := activity.GetInfo(ctx)
	next := w.now().UTC().Add(delay)
	op := w.in.Change.Change.Op
	return w.store.NoteWait(ctx, store.Wait{
		Console: w.in.Writer.Console, Request: w.in.Change.Request, Step: string(op),
		Release: takesAway(op), Attempt: int(info.Attempt), Since: info.ScheduledTime.UTC(), At: at, NextTry: &next,
		Text: cause.Error(), Temporary: !fault.KindOf(cause).Final(),
	})
}

// errYielded is why an attempt was given up before it began.
var errYielded = errors.New("access that is to end goes first")

// yield lets access that is to end go first once the console is back: what has failed
// before waits until each such change has been tried since, which is noted so that one
// that goes on failing holds nothing up for ever.
func (w *writing) yield(ctx context.Context) error {
	if takesAway(w.in.Change.Change.Op) || activity.GetInfo(ctx).Attempt == 1 {
		return nil
	}
	waits, err := w.store.Waits(ctx, w.in.Writer.Console)
	if err != nil {
		return err
	}
	since := w.yieldedAt(waits)
	for _, x := range waits {
		if !x.Release || !x.Temporary || x.NextTry == nil || !x.At.Before(since) {
			continue
		}
		// One whose time is long past has nobody behind it: do not wait for it.
		if left := x.NextTry.Sub(w.now()); left > -time.Minute {
			cause := kinds.New(kinds.Unavailable, fmt.Errorf("%w: %s", errYielded, x.Request))
			delay := max(left, 0) + 2*time.Second
			return errors.Join(w.noteWait(ctx, cause, since, delay), kinds.RetryIn(cause, delay))
		}
	}
	return nil
}

// yieldedAt is since when this change has been giving way, now if it begins to.
func (w *writing) yieldedAt(waits []store.Wait) time.Time {
	for _, x := range waits {
		mine := x.Request == w.in.Change.Request && x.Step == string(w.in.Change.Change.Op)
		if mine && strings.HasPrefix(x.Text, errYielded.Error()) {
			return x.At
		}
	}
	return w.now().UTC()
}
