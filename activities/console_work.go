package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// consoleWork is one attempt at work that retries until the console answers: a change of a principal, the creation of
// an account, or a plan.
type consoleWork struct {
	console *console.Client
	store   *store.Store
	notify  *Notify // nil: nobody is notified
	now     func() time.Time

	consoleName string            // which console the work is for, as the ledger names it
	request     string            // workflow id
	principal   *ledger.Subject   // whose change it is; nil where that is not known yet
	key         string            // of the change; "" for a plan
	op          access.Op         // the step of the request, in the list of steps that wait
	pending     []ledger.NewEntry // the next append to the ledger includes them

	lock *store.PrincipalLock // of the principal while it is changed; else nil
}

// errLockedElsewhere is why an attempt waits for another one.
var errLockedElsewhere = kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New(
	"another attempt changes this principal at present: retrying until it has ended")), 2*time.Second)

// lockPrincipal takes the lock with which no other attempt, of whatever process, changes the principal. The caller
// unlocks it.
func (w *consoleWork) lockPrincipal(ctx context.Context, who ledger.Subject) (unlock func(), err error) {
	w.lock, err = w.store.LockPrincipal(ctx, w.consoleName, who.String())
	if errors.Is(err, store.ErrLocked) {
		err = errLockedElsewhere
	}
	return func() {
		lock := w.lock
		w.lock = nil // what is still to be recorded tells of the past, and needs no lock
		if released := lock.Release(ctx); released != nil {
			attempt.Logger(ctx).Warn("Cannot unlock a principal; the lock ends by itself", "error", released)
		}
	}, err
}

func (w *consoleWork) writeKey(n int) string  { return ledger.WriteKey(w.key, n) }
func (w *consoleWork) answerKey(n int) string { return ledger.AnswerKey(w.key, n) }
func (w *consoleWork) tokenKey(n int) string  { return ledger.TokenKey(w.key, n) }
func (w *consoleWork) proofKey() string       { return ledger.ProofKey(w.key) }

func (w *consoleWork) entry(key string, body ledger.Body) ledger.NewEntry {
	return ledger.NewEntry{Request: w.request, Key: key, At: w.now().UTC(), Body: body}
}

// note appends the pending entries to the ledger, then those given.
func (w *consoleWork) note(ctx context.Context, entries ...ledger.NewEntry) error {
	_, err := w.appendPending(ctx, entries...)
	return err
}

// appendPending appends as note does, and returns what the ledger holds under the keys.
func (w *consoleWork) appendPending(ctx context.Context, entries ...ledger.NewEntry) ([]ledger.Entry, error) {
	all := append(w.pending, entries...)
	if len(all) == 0 {
		return nil, nil
	}
	kept, err := w.append(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("cannot append to the ledger for %s: %w", w.request, err)
	}
	w.pending = nil
	return kept, nil
}

// append appends under the lock, if there is one: an attempt that has lost it sends nothing.
func (w *consoleWork) append(ctx context.Context, entries []ledger.NewEntry) ([]ledger.Entry, error) {
	if w.lock != nil {
		return w.lock.Append(ctx, entries...)
	}
	return w.store.Append(ctx, w.consoleName, entries...)
}

// endsAccess says whether a step takes access away: such a step retries until it succeeds, and goes before others.
func (w *consoleWork) endsAccess() bool { return endsAccess(w.op) }
