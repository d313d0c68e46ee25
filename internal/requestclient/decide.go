package requestclient

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// decideTimeout bounds one decision, which the worker writes to the ledger while a person
// waits.
const decideTimeout = 30 * time.Second

// AmbiguousError says that what a person typed names several running requests.
type AmbiguousError struct {
	Typed string
	IDs   []string // workflow ids
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the id of several requests: give %s", e.Typed, strings.Join(e.IDs, " or "))
}

// UnknownResultError says that a decision was sent and no answer came: it may have been
// recorded or not.
type UnknownResultError struct {
	ID    string // workflow id
	After time.Duration
}

func (e *UnknownResultError) Error() string {
	return fmt.Sprintf("no answer within %s: whether the decision was recorded is not known", e.After)
}

// FindPending returns the status of the running request that a person names, of several
// the one that waits for a decision. It fails with an [*AmbiguousError], with a
// [*TooLateError] if the request has ended, with an [*UnansweredError], or with a
// [*requestrecord.NotFoundError].
func (c Client) FindPending(
	ctx context.Context, typed string, ids ...string,
) (id string, status wire.RequestStatus, err error) {
	var running, isPending []string
	seen := map[string]wire.RequestStatus{}
	for _, id := range ids {
		s, err := c.Temporal.RequestStatus(ctx, temporalclient.Run{WorkflowID: id})
		switch {
		case temporalclient.IsNotFound(err) || err == nil && s.Result != nil:
			continue
		case err != nil:
			return id, s, c.noAnswer(ctx, id, err)
		case s.Forged(id) != "":
			return id, s, forged(id, s)
		}
		seen[id], running = s, append(running, id)
		if len(pending.Subjects(s)) > 0 {
			isPending = append(isPending, id)
		}
	}
	switch {
	case len(isPending) == 1:
		return isPending[0], seen[isPending[0]], nil
	case len(running) == 1:
		return running[0], seen[running[0]], nil
	case len(running) > 1:
		return "", status, &AmbiguousError{Typed: typed, IDs: running}
	}
	return "", status, c.tooLate(ctx, typed, ids...)
}

func forged(id string, s wire.RequestStatus) error {
	return fmt.Errorf("the status of %s is forged: %s: nothing was signed: find out who answers for it",
		id, s.Forged(id))
}

// UnansweredError says why no worker answered for a request that exists: asking again may help.
type UnansweredError struct{ why string }

func (e *UnansweredError) Error() string { return e.why }

// noAnswer says why no worker answered for a request that exists, with an [*UnansweredError] if Temporal does.
func (c Client) noAnswer(ctx context.Context, id string, cause error) error {
	info, err := c.Temporal.Info(ctx, temporalclient.Run{WorkflowID: id})
	if err != nil {
		return c.Temporal.Explain(cause)
	}
	return &UnansweredError{why: c.Temporal.NoAnswer(ctx, info, cause)}
}

// Decide signs a decision (action: approve or deny) on the plan in the status, sends it to
// that run, and returns it as the request has recorded it. It fails with a [*TooLateError]
// if the request has ended, and with an [*UnknownResultError] if no answer came in time. A
// refused decision fails with the request's own message.
func (c Client) Decide(
	ctx context.Context, by Signer, action string, s wire.RequestStatus, in wire.DecisionInput,
) (*access.Decision, error) {
	in.PlanHash = s.Plan.Hash
	if err := in.Limits(); err != nil {
		return nil, fmt.Errorf("cannot decide, and nothing was sent: %w", err)
	}
	signed, signature, err := by.Sign(ctx, signing.OfDecision(s.Request, s.Run, in.PlanHash, access.Decision{
		By: in.By, Action: action, Comment: in.Comment, Duration: in.Duration, StartAt: in.StartAt,
	}))
	if err != nil {
		return nil, fmt.Errorf("cannot sign the decision, and nothing was sent: %w", err)
	}
	if signature != "" {
		in.Signature, in.SignedAt = signature, signed.At
	}
	return c.SendDecision(ctx, action, temporalclient.Run{WorkflowID: s.Request, RunID: s.Run}, in)
}

// SendDecision is [Client.Decide] for a decision that is complete: it reaches the run, by
// the id of its first run, or fails.
func (c Client) SendDecision(
	ctx context.Context, action string, run temporalclient.Run, in wire.DecisionInput,
) (*access.Decision, error) {
	var out access.Decision
	short, cancel := context.WithTimeout(ctx, decideTimeout)
	defer cancel()
	handle, err := c.Temporal.UpdateWorkflow(short, client.UpdateWorkflowOptions{
		WorkflowID: run.WorkflowID, FirstExecutionRunID: run.RunID, UpdateName: action,
		WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{in},
	})
	if err == nil {
		err = handle.Get(short, &out)
	}
	switch {
	case err == nil:
		return &out, nil
	case temporalclient.IsNotFound(err): // it has ended meanwhile
		return nil, c.tooLate(ctx, run.WorkflowID, run.WorkflowID)
	case short.Err() != nil && ctx.Err() == nil:
		return nil, &UnknownResultError{ID: run.WorkflowID, After: decideTimeout}
	}
	return nil, temporalclient.Cause("request", c.Temporal.Explain(err))
}
