package activities

import (
	"context"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Drift holds the console against the ledger: see [store.Store.Explain].
type Drift struct {
	authority *Authority
	notify    *Notify
	now       func() time.Time
	untold    atomic.Int64 // number of an explanation with new drift that people were not told of
}

// NewDrift wires it. People are told of new drift by n, which may be nil.
func NewDrift(a *Authority, n *Notify) *Drift {
	return &Drift{authority: a, notify: n, now: time.Now}
}

// Explain brings the claims up to date with the ledger, says what each assignment of the latest snapshots is, and tells
// people of drift that is new, each once. ctx is an activity's, or comes from [attempt.Outside].
func (d *Drift) Explain(ctx context.Context) (store.Explanation, error) {
	a := d.authority
	if err := a.CatchUp(ctx); err != nil {
		return store.Explanation{}, err
	}
	out, err := a.store.Explain(ctx, a.console, d.now().UTC())
	if err != nil {
		return out, err
	}
	if out.New.Drift() > 0 {
		attempt.Logger(ctx).Warn("New drift: console and ledger do not agree",
			"found", out.New.String(), "in_all", out.Counts.String())
		d.untold.Store(out.Number)
	}
	if n := d.untold.Load(); n > 0 {
		event := wire.Event{Type: wire.EventDrift, Number: n}
		if err := d.notify.Announce(ctx, wire.AnnounceInput{Event: event}); err != nil {
			attempt.Logger(ctx).Warn("Cannot tell people of new drift yet", "error", err)
			return out, nil
		}
		d.untold.CompareAndSwap(n, 0)
	}
	return out, nil
}
