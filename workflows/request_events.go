package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// announce has an event delivered in parallel: the request neither waits for it nor fails
// with it.
//
// It names what has happened, in the latest entry of the ledger that fits. The activity takes
// text and people from the ledger, since everybody in the namespace can start it.
func (r *request) announce(ctx workflow.Context, typ string) { r.announceEntry(ctx, typ, 0) }

// announceEntry is announce for an entry of the ledger; 0 for the latest that fits.
func (r *request) announceEntry(ctx workflow.Context, typ string, entry int64) {
	if !r.notifies {
		return
	}
	in := wire.AnnounceInput{Event: wire.Event{Type: typ, Request: r.info.ID, Run: r.info.Run, Entry: entry}}
	open, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(open, func(ctx workflow.Context) {
		ctx = shortCall(ctx, "announce: "+typ)
		ctx = workflow.WithScheduleToCloseTimeout(ctx, announceFor)
		if _, err := call[struct{}](ctx, wire.AnnounceActivity, in); err != nil {
			r.log.Warn("Event was not announced", "event", typ, "error", err)
		}
		r.announcing--
	})
	r.announcing++
}

// awaitAnnouncements waits until every event is on its way, since a workflow that has ended
// starts no activity.
func (r *request) awaitAnnouncements(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return r.announcing == 0 })
}

// warnBefore is how long before its end a grant of that length is announced to end: an
// eighth of it, a day at most.
func warnBefore(length time.Duration) time.Duration { return min(length/8, 24*time.Hour) }
