package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// inboxBackend is the [inbox.Backend] of one person. It reads requests from Temporal.
type inboxBackend struct {
	client  requestclient.Client
	signer  requestclient.Signer
	by      string
	console string // whose requests are shown; "" for all
	finder  *pending.Finder
	names   store.Directory // of the last sync; empty without a database
}

// newInboxBackend lists the requests of the configured console and its task queue, or all
// requests if no console is configured.
func (p *app) newInboxBackend(
	ctx context.Context, e *temporalClient, by string, s requestclient.Signer,
) (*inboxBackend, error) {
	console, err := p.configuredConsole()
	if err != nil {
		return nil, err
	}
	queue := ""
	if console != "" {
		queue = e.TaskQueue
	}
	d := &inboxBackend{
		client: p.requestClient(e), signer: s, by: by, console: console,
		finder: pending.NewFinder(e.Connection, queue, p.now), names: p.directory(ctx),
	}
	return d, nil
}

// Pending implements [inbox.Backend]. It uses Temporal only, since an approver may have no
// access to the database. A request that does not answer is listed with its last known
// status.
func (d *inboxBackend) Pending(ctx context.Context) ([]inbox.Item, error) {
	found, err := d.finder.For(ctx, d.by, d.console)
	if found == nil {
		return nil, err
	}
	items := make([]inbox.Item, len(found))
	for i, a := range found {
		items[i] = d.item(a.Status)
	}
	return items, inOneLine(err)
}

// inOneLine shortens a joined error to the first one and their number, to fit the screen.
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

// extensionSuffix tells an extension in the list from the grant that it extends.
const extensionSuffix = " (extension)"

// Detail implements [inbox.Backend].
func (d *inboxBackend) Detail(ctx context.Context, id string) (inbox.Detail, error) {
	id, extends := strings.CutSuffix(id, extensionSuffix)
	seen, err := d.look(ctx, id)
	if err != nil {
		return inbox.Detail{}, err
	}
	if seen.Status != nil {
		of, pendingExtension := livestatus.OfExtension(*seen.Status)
		switch {
		case extends && pendingExtension:
			return d.detail(of), nil
		case extends:
			out := d.detail(*seen.Status)
			out.ID, out.Closed = id+extensionSuffix, errExtensionOver.Error()
			return out, nil
		}
		return d.detail(*seen.Status), nil
	}
	return d.endedDetail(id, seen), nil
}

// look queries the status of a request.
func (d *inboxBackend) look(ctx context.Context, id string) (requestrecord.Observation, error) {
	seen, err := requestrecord.Observe(ctx, d.client.Temporal, startedRun{WorkflowID: id})
	switch {
	case temporalclient.IsNotFound(err):
		return seen, fmt.Errorf("it has ended, and Temporal no longer has it: "+
			"run `starter show %s`, which reads the ledger", requestclient.ShortID(id))
	case err != nil:
		return seen, d.client.Temporal.Explain(err)
	case seen.Trouble != "":
		return seen, errors.New(seen.Trouble)
	case seen.Status != nil && seen.Status.Forged(id) != "":
		return seen, fmt.Errorf("the status of %s is forged: %s", id, seen.Status.Forged(id))
	}
	return seen, nil
}

// Decide implements [inbox.Backend]. It reads the request again, and sends nothing if the
// request was decided in between or its plan has changed.
func (d *inboxBackend) Decide(ctx context.Context, in inbox.Decision) (string, error) {
	id, extends := strings.CutSuffix(in.ID, extensionSuffix)
	seen, err := d.look(ctx, id)
	if err != nil {
		return "", err
	}
	if seen.Status == nil {
		return "", errors.New(d.endedDetail(id, seen).Closed)
	}
	status := *seen.Status
	if extends {
		var is bool
		if status, is = livestatus.OfExtension(status); !is {
			return "", errExtensionOver
		}
	}
	if why := pending.Ineligible(status, d.by, in.Action); why != "" {
		return "", errors.New(why)
	}
	if status.Plan.Hash != in.Plan {
		return "", errors.New("the plan has changed since you read it, and nothing was sent: read the new plan")
	}
	out, err := d.client.Decide(ctx, d.signer, in.Action, status, wire.DecisionInput{
		By: d.by, Comment: in.Comment, Duration: access.Duration(in.For),
	})
	if err != nil {
		return "", withHint(err)
	}
	return decisionSentence(in.ID, *out), nil
}

var errExtensionOver = errors.New("the extension is not pending any more")

// decisionSentence confirms a decision.
func decisionSentence(id string, decision access.Decision) string {
	return fmt.Sprintf("%s: %s by %s (%s)", id, decision.Action, decision.Who(), decision.Signed)
}
