package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// decisionSender takes a person's decisions to requests, signed where there is a key.
type decisionSender struct {
	*app

	engine *temporalClient
	pen    signer
}

// decideTimeout bounds the sending of one decision, in which the worker writes it into
// the ledger: somebody waits for it.
const decideTimeout = 30 * time.Second

// take takes a decision on the plan that status has, and gives it as the request has
// recorded it.
func (m decisionSender) take(
	ctx context.Context, action string, s wire.RequestStatus, in wire.DecisionInput,
) (*access.Decision, error) {
	in.PlanHash = s.Plan.Hash
	signed, signature, err := m.pen.sign(ctx, signing.OfDecision(s.Request, s.Run, in.PlanHash, access.Decision{
		By: in.By, Action: action, Comment: in.Comment, Duration: in.Duration, StartAt: in.StartAt,
	}))
	if err != nil {
		return nil, fmt.Errorf("it could not be signed, and nothing was sent: %w", err)
	}
	if signature != "" {
		in.Signature, in.SignedAt = signature, signed.At
	}
	return m.send(ctx, action, startedRun{WorkflowID: s.Request, RunID: s.Run}, in)
}

// send waits until the request has taken the decision. It reaches the run that was seen
// or none.
func (m decisionSender) send(
	ctx context.Context, action string, run startedRun, in wire.DecisionInput,
) (*access.Decision, error) {
	var out access.Decision
	short, cancel := context.WithTimeout(ctx, decideTimeout)
	defer cancel()
	handle, err := m.engine.UpdateWorkflow(short, client.UpdateWorkflowOptions{
		WorkflowID: run.WorkflowID, FirstExecutionRunID: run.RunID, UpdateName: action,
		WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{in},
	})
	if err == nil {
		err = handle.Get(short, &out)
	}
	switch {
	case err == nil:
		return &out, nil
	case temporalclient.IsNotFound(err): // it has ended since
		return nil, m.tooLate(ctx, run.WorkflowID, run.WorkflowID)
	case short.Err() != nil && ctx.Err() == nil:
		return nil, fmt.Errorf("no answer within %s: whether it was taken is not known. Look with `starter show %s`",
			decideTimeout, typed(run.WorkflowID))
	}
	return nil, temporalclient.Cause("request", m.engine.Explain(err))
}
