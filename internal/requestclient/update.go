package requestclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// Update is an update of a running request, as in wire.EndUpdate.
type Update struct {
	Typed   string   // the id as the person typed it
	IDs     []string // workflow ids that it may mean, the likeliest first
	Name    string
	Payload wire.Limited
	// Sign makes the payload for the request in that state, with a signature; nil sends Payload
	// as it is.
	Sign func(ctx context.Context, s wire.RequestStatus) (any, error)
}

// Update sends an update to the first of the requests that runs, waits until it is carried
// out, for as long as that takes, and returns the workflow id of that request. If none
// runs, it fails with a [*requestrecord.EndedError], or with a
// [*requestrecord.NotFoundError] that names [Update.Typed]. A rejected update fails with the
// request's own message.
func (c Client) Update(ctx context.Context, u Update, answer any) (id string, err error) {
	if err := u.Payload.Limits(); err != nil {
		return "", fmt.Errorf("cannot %s %s, and nothing was sent: %w", u.Name, u.Typed, err)
	}
	for _, id := range u.IDs {
		err := c.updateOne(ctx, id, u, answer)
		if temporalclient.IsNotFound(err) || errors.Is(err, errOver) {
			continue
		}
		return id, err
	}
	r := c.Record(ctx, u.IDs...)
	if !r.Known() {
		return "", r.NotFound(u.Typed)
	}
	return "", &requestrecord.EndedError{Record: r}
}

// errOver says that a request has ended.
var errOver = errors.New("the request has ended")

// updateOne sends the update to one request. It fails with a not-found error or with errOver
// if that does not run.
func (c Client) updateOne(ctx context.Context, id string, u Update, answer any) error {
	options := client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: u.Name, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{u.Payload},
	}
	if u.Sign != nil {
		s, err := c.Temporal.RequestStatus(ctx, temporalclient.Run{WorkflowID: id})
		switch {
		case temporalclient.IsNotFound(err):
			return err
		case err != nil:
			return c.noAnswer(ctx, id, err)
		case s.Result != nil:
			return errOver
		case s.Forged(id) != "":
			return forged(id, s)
		}
		payload, err := u.Sign(ctx, s)
		if err != nil {
			return fmt.Errorf("cannot sign, and nothing was sent: %w", err)
		}
		options.Args, options.FirstExecutionRunID = []any{payload}, s.Run
	}
	handle, err := c.Temporal.UpdateWorkflow(ctx, options)
	if err == nil {
		err = handle.Get(ctx, answer)
	}
	if err == nil || temporalclient.IsNotFound(err) {
		return err
	}
	return temporalclient.Cause("request", c.Temporal.Explain(err))
}

// SignStop signs a message that cancels a request or ends its access: action is the name of
// the update, s the request as it is. Without a key it stays unsigned.
func (s Signer) SignStop(
	ctx context.Context, action string, of wire.RequestStatus, in wire.StopInput,
) (wire.StopInput, error) {
	st, signature, err := s.Sign(ctx, signing.OfStop(of.Request, of.Run, access.Stop{
		Action: action, By: in.By, Comment: in.Comment,
	}))
	if err == nil && signature != "" {
		in.Sign(signature, st.At)
	}
	return in, err
}

// SignExtension signs that a person asks for a later end, by duration behind the end that the
// request has now. Without a key it stays unsigned.
func (s Signer) SignExtension(
	ctx context.Context, of wire.RequestStatus, in wire.ExtendInput,
) (wire.ExtendInput, error) {
	if of.Plan == nil || of.EndsAt == nil {
		return in, nil // the request says why it cannot be extended
	}
	in.EndsAt = of.EndsAt.Add(time.Duration(in.Duration)).UTC()
	st, signature, err := s.Sign(ctx, signing.OfExtension(access.ExtensionRequest{
		Request: of.Request, Run: of.Run, PlanHash: of.Plan.Hash, By: in.By, Duration: in.Duration, EndsAt: in.EndsAt,
		Comment: in.Comment,
	}))
	if err == nil && signature != "" {
		in.Sign(signature, st.At)
	}
	return in, err
}
