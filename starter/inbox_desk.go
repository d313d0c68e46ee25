package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/workflows"
)

// desk is the [inbox.Desk] of one person: it asks the requests themselves, by Temporal.
type desk struct {
	p     *program
	e     *engine
	by    string
	pen   *deskPen
	names store.Directory // of the last sync; empty where there is no database

	mu   sync.Mutex
	seen map[string]deskLook // by workflow id and run
}

func (p *program) newDesk(ctx context.Context, e *engine, by string, w *deskPen) *desk {
	return &desk{p: p, e: e, by: by, pen: w, names: p.directory(ctx), seen: map[string]deskLook{}}
}

// Show implements [inbox.Desk].
func (d *desk) Show(ctx context.Context, id string) (inbox.Sheet, error) {
	seen, err := d.look(ctx, id)
	if err != nil {
		return inbox.Sheet{}, err
	}
	if seen.status != nil {
		return d.sheet(*seen.status), nil
	}
	return d.sheetOfEnded(id, seen), nil
}

// look asks a request how far it is.
func (d *desk) look(ctx context.Context, id string) (glimpse, error) {
	seen, err := d.e.glimpseNow(ctx, started{WorkflowID: id})
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return seen, fmt.Errorf("it has ended, and Temporal has forgotten it: "+
			"`starter show %s` asks the ledger", typed(id))
	}
	switch {
	case err != nil:
		return seen, d.e.explain(err)
	case seen.trouble != "":
		return seen, errors.New(seen.trouble)
	}
	return seen, nil
}

// Decide implements [inbox.Desk]. The request is looked at once more: what was decided in
// the meantime is said as it is, and a plan that has changed is not decided unseen.
func (d *desk) Decide(ctx context.Context, in inbox.Decision) (string, error) {
	seen, err := d.look(ctx, in.ID)
	if err != nil {
		return "", err
	}
	if seen.status == nil {
		return "", errors.New(d.sheetOfEnded(in.ID, seen).Closed)
	}
	status := *seen.status
	if why := deskMayNot(status, d.by); why != "" {
		return "", errors.New(why)
	}
	if status.Plan.Hash != in.Plan {
		return "", errors.New("the plan has changed since you looked at it, and nothing was sent: look again")
	}
	out, err := d.send(ctx, status, in)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s by %s (%s)", in.ID, out.Action, out.By, out.Signed), nil
}

// send signs a decision and waits until the request has taken it.
func (d *desk) send(
	ctx context.Context, status workflows.RequestStatus, in inbox.Decision,
) (out access.Decision, err error) {
	message := workflows.DecisionInput{By: d.by, Comment: in.Comment, Duration: access.Duration(in.For)}
	signed, signature, err := d.pen.sign(ctx, signing.OfDecision(in.ID, status.Run, in.Plan, access.Decision{
		By: message.By, Action: in.Action, Comment: message.Comment, Duration: message.Duration,
	}))
	if err != nil {
		return out, fmt.Errorf("it could not be signed, and nothing was sent: %w", err)
	}
	if signature != "" {
		message.Signature, message.SignedAt = signature, signed.At
	}
	ctx, cancel := context.WithTimeout(ctx, decideTimeout)
	defer cancel()
	handle, err := d.e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: in.ID, FirstExecutionRunID: status.Run, UpdateName: in.Action,
		WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{message},
	})
	if err == nil {
		err = handle.Get(ctx, &out)
	}
	if err != nil && ctx.Err() != nil {
		return out, fmt.Errorf("no answer within %s: whether it was taken is not known. Look again", decideTimeout)
	}
	if err != nil {
		return out, reasonOf("request", d.e.explain(err))
	}
	return out, nil
}

// decideTimeout bounds the sending of one decision, in which the worker writes it into the
// ledger: somebody waits before a screen.
const decideTimeout = 30 * time.Second
