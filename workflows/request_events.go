package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// tellPeople has an event delivered beside the request, which neither waits for it nor
// fails with it.
func (r *request) tellPeople(ctx workflow.Context, typ, text string, people []string) {
	if !r.notifies {
		return
	}
	r.told++
	id := fmt.Sprintf("%s#%s/%d", r.info.ID, r.info.Run, r.told)
	in := wire.AnnounceInput{
		Event: wire.Event{
			ID: id, Type: typ, At: workflow.Now(ctx).UTC(), Request: r.info.ID, State: r.state,
			Text: text, People: people,
		},
		Except: []string{r.asked.Terms.Requester},
	}
	if r.plan != nil && r.plan.Principal.Email != "" {
		in.Except = append(in.Except, r.plan.Principal.Email)
	}
	open, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(open, func(ctx workflow.Context) {
		ctx = shortCall(ctx, "tell people: "+typ)
		ctx = workflow.WithScheduleToCloseTimeout(ctx, tellFor)
		if _, err := call[struct{}](ctx, wire.AnnounceActivity, in); err != nil {
			r.log.Warn("People were not told", "event", typ, "error", err)
		}
		r.telling--
	})
	r.telling++
}

// tellRequester tells whoever asked.
func (r *request) tellRequester(ctx workflow.Context, typ, what string) {
	r.tellPeople(ctx, typ, what+": "+r.summary(), []string{r.asked.Terms.Requester})
}

// toldAll waits until every event is on its way: a workflow that has ended starts
// nothing more.
func (r *request) toldAll(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return r.telling == 0 })
}

// summary is the request in a sentence.
func (r *request) summary() string {
	if r.plan == nil {
		return "a request of " + describe.Text(r.asked.Terms.Requester)
	}
	return describe.Request(*r.plan)
}

// warnBefore is how long before its end a grant of that length is announced to end: an
// eighth of it, a day at most.
func warnBefore(length time.Duration) time.Duration { return min(length/8, 24*time.Hour) }
