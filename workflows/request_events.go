package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// announce has an event delivered in parallel: the request neither waits for it nor fails
// with it.
func (r *request) announce(ctx workflow.Context, typ, text string, people []string) {
	if !r.notifies {
		return
	}
	r.announced++
	id := fmt.Sprintf("%s#%s/%d", r.info.ID, r.info.Run, r.announced)
	in := wire.AnnounceInput{
		Event: wire.Event{
			ID: id, Type: typ, At: workflow.Now(ctx).UTC(), Request: r.info.ID, State: r.state,
			Text: text, People: people,
		},
		Except: []string{r.spec.Terms.Requester},
	}
	if r.plan != nil && r.plan.Principal.Email != "" {
		in.Except = append(in.Except, r.plan.Principal.Email)
	}
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

// notifyRequester notifies the requester.
func (r *request) notifyRequester(ctx workflow.Context, typ, what string) {
	r.announce(ctx, typ, what+": "+r.summary(), []string{r.spec.Terms.Requester})
}

// awaitAnnouncements waits until every event is on its way, since a workflow that has ended
// starts no activity.
func (r *request) awaitAnnouncements(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return r.announcing == 0 })
}

// summary is the request in a sentence.
func (r *request) summary() string {
	if r.plan == nil {
		return "a request of " + describe.Text(r.spec.Terms.Requester)
	}
	return describe.Request(*r.plan)
}

// warnBefore is how long before its end a grant of that length is announced to end: an
// eighth of it, a day at most.
func warnBefore(length time.Duration) time.Duration { return min(length/8, 24*time.Hour) }
