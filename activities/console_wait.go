package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Backoff between two attempts: up to 30 seconds for the first ten minutes, then five minutes for as long as it takes.
const (
	quickFor   = 10 * time.Minute
	quickPause = 30 * time.Second // at most; it grows from two seconds
	slowPause  = 5 * time.Minute
)

// retryPause is the backoff after an attempt, counted from 1, of work that was scheduled that long ago.
func retryPause(attempt int32, since time.Duration) time.Duration {
	if since >= quickFor {
		return slowPause
	}
	return min(time.Second<<min(attempt, 10), quickPause)
}

// ReleaseFailuresMetric counts failed attempts to take access away.
const ReleaseFailuresMetric = "sentinelone_release_attempts_failed"

// retryLater decides whether a failed attempt is retried and when, and stores the reason where the status query finds
// it. Work that takes access away is always retried, whatever the error.
func (w *consoleWork) retryLater(ctx context.Context, cause error) error {
	detached, release := attempt.ForLastWrite(ctx)
	defer release()
	if err := w.note(detached); err != nil { // the console's answer; the next attempt reads the console instead
		attempt.Logger(ctx).Warn("Cannot record the console's answer in the ledger", "request", w.request, "error", err)
	}
	if errors.Is(cause, errDeferred) || ctx.Err() != nil {
		return cause
	}
	if final, ok := errors.AsType[*unauthorizedError](cause); ok {
		return errors.Join(final.error, w.clearWait(detached, w.request, w.op))
	}
	temporary := !fault.KindOf(cause).Final()
	if !temporary && !w.endsAccess() {
		return errors.Join(cause, w.clearWait(detached, w.request, w.op))
	}
	run := attempt.RuntimeOf(ctx)
	now := w.now().UTC()
	delay := retryPause(run.Number, now.Sub(run.Since))
	if run.MaxPause > 0 {
		delay = min(delay, run.MaxPause)
	}
	delay = max(delay, fault.Delay(cause))
	if errors.Is(cause, errLockedElsewhere) { // a lock is held for seconds: nobody keeps a release out with it
		delay = fault.Delay(cause)
	}
	if err := w.recordWait(detached, cause, now, delay); err != nil {
		attempt.Logger(ctx).Warn("Cannot store why the request waits", "request", w.request, "error", err)
	}
	if w.endsAccess() {
		attempt.Logger(ctx).Warn("Access that must end is still in force", "request", w.request,
			"attempt", run.Number, "next_try", now.Add(delay), "error", cause)
		run.Metrics.Counter(ReleaseFailuresMetric).Inc(1)
	}
	// What a rule forbids does not pass by itself: people are told at once.
	if now.Sub(run.Since) >= quickFor || w.endsAccess() && fault.KindOf(cause) == kinds.Refused {
		w.notifyOfWait(ctx)
	}
	if !temporary {
		cause = kinds.New(kinds.Unavailable, cause)
	}
	return kinds.RetryIn(cause, delay)
}

// notifyOfWait notifies people, once for each change, that it waits for the console.
func (w *consoleWork) notifyOfWait(ctx context.Context) {
	run := ledger.RunOf(ledger.Entry{Request: w.request, Key: w.key})
	w.notify.BestEffort(ctx, wire.Event{
		Type: wire.EventWaiting, Request: w.request, Run: run.ID, Step: string(w.op),
	})
}

// recordWait stores the reason where the status query finds it. at is when the attempt was made; the next one follows
// after delay.
func (w *consoleWork) recordWait(ctx context.Context, cause error, at time.Time, delay time.Duration) error {
	run := attempt.RuntimeOf(ctx)
	next := w.now().UTC().Add(delay)
	return w.store.NoteWait(ctx, store.Wait{
		Console: w.consoleName, Request: w.request, Step: string(w.op),
		Release: w.endsAccess(), Attempt: int(run.Number), Since: run.Since, At: at, NextTry: &next,
		Text: cause.Error(), Temporary: !fault.KindOf(cause).Final(),
	})
}

// clearWait removes a step from the list of steps that wait.
func (w *consoleWork) clearWait(ctx context.Context, request string, op access.Op) error {
	return w.store.ClearWait(ctx, w.consoleName, request, string(op))
}

// errDeferred is the reason why an attempt ended before it began. The status query shows it.
var errDeferred = errors.New("a release of access goes first")

// deferToReleases lets releases go first once the console is back: work that has failed before waits until each
// pending release was tried since. The start of the deferral is stored, so that a release that keeps failing does
// not hold the work up for ever.
func (w *consoleWork) deferToReleases(ctx context.Context) error {
	if w.endsAccess() || attempt.RuntimeOf(ctx).Number == 1 {
		return nil
	}
	waits, err := w.store.Waits(ctx, w.consoleName)
	if err != nil {
		return err
	}
	since := w.deferredSince(waits)
	for _, x := range waits {
		if !x.Release || !x.Temporary || x.NextTry == nil || !x.At.Before(since) {
			continue
		}
		// A release whose next attempt is a minute overdue has no workflow behind it: do not wait for it.
		if left := x.NextTry.Sub(w.now()); left > -time.Minute {
			cause := kinds.New(kinds.Unavailable, fmt.Errorf("%w: %s", errDeferred, x.Request))
			delay := max(left, 0) + 2*time.Second
			return errors.Join(w.recordWait(ctx, cause, since, delay), kinds.RetryIn(cause, delay))
		}
	}
	return nil
}

// deferredSince is when this work began to defer to releases; now if it begins.
func (w *consoleWork) deferredSince(waits []store.Wait) time.Time {
	for _, x := range waits {
		mine := x.Request == w.request && x.Step == string(w.op)
		if mine && strings.HasPrefix(x.Text, errDeferred.Error()) {
			return x.At
		}
	}
	return w.now().UTC()
}
