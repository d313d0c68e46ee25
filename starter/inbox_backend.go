package main

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/workflows"
)

// inboxBackend is the [inbox.Backend] of one person: it asks the requests themselves, by Temporal.
type inboxBackend struct {
	messenger

	by      string
	console string // whose requests are shown; "" for all
	lookout *lookout
	names   store.Directory // of the last sync; empty where there is no database
}

// newInboxBackend shows the requests of the configured console and its task queue, of which others
// have one of their own; all that there are where none is configured.
func (p *program) newInboxBackend(ctx context.Context, e *engine, by string, w pen) (*inboxBackend, error) {
	console, err := p.configuredConsole()
	if err != nil {
		return nil, err
	}
	d := &inboxBackend{
		messenger: messenger{program: p, engine: e, pen: w}, by: by, console: console,
		lookout: newLookout(e, p.now), names: p.directory(ctx),
	}
	if console != "" {
		d.lookout.only = e.queue
	}
	return d, nil
}

// Pending implements [inbox.Backend]. It needs Temporal alone: who decides may not reach the
// database. Requests that do not answer are listed as they were when they last did.
func (d *inboxBackend) Pending(ctx context.Context) ([]inbox.Item, error) {
	found, err := d.lookout.waitingFor(ctx, d.by, d.console)
	if found == nil {
		return nil, err
	}
	items := make([]inbox.Item, len(found))
	for i, a := range found {
		items[i] = d.item(a.Status)
	}
	return items, inOneLine(err)
}

// inOneLine is the first of several errors, and how many there are: a screen has little
// room.
func inOneLine(err error) error {
	switch all := faults(err); len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	default:
		return fmt.Errorf("%d requests: %w", len(all), all[0])
	}
}

// Detail implements [inbox.Backend].
func (d *inboxBackend) Detail(ctx context.Context, id string) (inbox.Detail, error) {
	seen, err := d.look(ctx, id)
	if err != nil {
		return inbox.Detail{}, err
	}
	if seen.status != nil {
		return d.detail(*seen.status), nil
	}
	return d.endedDetail(id, seen), nil
}

// look asks a request how far it is.
func (d *inboxBackend) look(ctx context.Context, id string) (glimpse, error) {
	seen, err := d.engine.glimpseNow(ctx, started{WorkflowID: id})
	switch {
	case isGone(err):
		return seen, fmt.Errorf("it has ended, and Temporal has forgotten it: "+
			"`starter show %s` asks the ledger", typed(id))
	case err != nil:
		return seen, d.engine.explain(err)
	case seen.trouble != "":
		return seen, errors.New(seen.trouble)
	}
	return seen, nil
}

// Decide implements [inbox.Backend]. The request is looked at once more: what was decided in
// the meantime is said as it is, and a plan that has changed is not decided unseen.
func (d *inboxBackend) Decide(ctx context.Context, in inbox.Decision) (string, error) {
	seen, err := d.look(ctx, in.ID)
	if err != nil {
		return "", err
	}
	if seen.status == nil {
		return "", errors.New(d.endedDetail(in.ID, seen).Closed)
	}
	status := *seen.status
	if why := mayNot(status, d.by); why != "" {
		return "", errors.New(why)
	}
	if status.Plan.Hash != in.Plan {
		return "", errors.New("the plan has changed since you looked at it, and nothing was sent: look again")
	}
	out, err := d.take(ctx, in.Action, status, workflows.DecisionInput{
		By: d.by, Comment: in.Comment, Duration: access.Duration(in.For),
	})
	if err != nil {
		return "", err
	}
	return saidText(in.ID, *out), nil
}

// saidText says which decision was taken.
func saidText(id string, said access.Decision) string {
	return fmt.Sprintf("%s: %s by %s (%s)", id, said.Action, said.Who(), said.Signed)
}
