package requestclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// Input is the input of a request's workflow, which the requester can sign.
type Input interface {
	Spec() access.RequestSpec
	Sign(signature string, at time.Time)
	wire.Limited
}

// NewRequest is a request to start.
type NewRequest struct {
	Type    string // workflow type, as in wire.GrantType
	ID      string // workflow id
	Input   Input
	Summary string // shown in Temporal's UI; not encrypted
	// Again allows an id that an ended request has used.
	Again bool
}

// AlreadyStartedError says that a request holds the id: one that runs or, unless
// [NewRequest.Again], one that has ended.
type AlreadyStartedError struct{ Run temporalclient.Run }

func (e *AlreadyStartedError) Error() string {
	return fmt.Sprintf("cannot start %s: a request with this id exists", e.Run.WorkflowID)
}

// TakenError says which request holds an id.
type TakenError struct{ Record requestrecord.Record }

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s is already in use: %s", e.Record.ID, e.Record.Sentence())
}

// Start starts a request and returns its run. It fails with an [*AlreadyStartedError] if
// a request holds the id.
func (c Client) Start(ctx context.Context, r NewRequest) (temporalclient.Run, error) {
	if err := r.Input.Limits(); err != nil {
		return temporalclient.Run{}, fmt.Errorf("cannot start %s, and nothing was sent: %w", r.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, temporalclient.CallTimeout)
	defer cancel()
	reuse := enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	if r.Again {
		reuse = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	run, err := c.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       r.ID,
		TaskQueue:                                c.Temporal.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    reuse,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            r.Summary,
	}, r.Type, r.Input)
	if started, is := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); is {
		return temporalclient.Run{}, &AlreadyStartedError{temporalclient.Run{WorkflowID: r.ID, RunID: started.RunId}}
	}
	if err != nil {
		return temporalclient.Run{}, fmt.Errorf("cannot start %s: %w", r.ID, c.Temporal.Explain(err))
	}
	return temporalclient.Run{WorkflowID: r.ID, RunID: run.GetRunID(), Started: true}, nil
}

// RequireFree fails with a [*TakenError] if a request holds the id, also one that only the
// ledger still knows.
func (c Client) RequireFree(ctx context.Context, id string) error {
	if r := c.Record(ctx, id); r.Known() {
		return &TakenError{Record: r}
	}
	return nil
}

// Taken is the [*TakenError] of an id for which [Client.Start] failed with an
// [*AlreadyStartedError].
func (c Client) Taken(ctx context.Context, id string) error {
	return &TakenError{Record: c.Record(ctx, id)}
}
