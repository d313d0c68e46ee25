package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// startRequest is a request that is to be started.
type startRequest struct {
	kind    string // workflow type
	id      string // workflow id
	input   requestInput
	sign    signOptions
	summary string
	wait    bool
	dryRun  bool
	chosen  bool // a person chose the id
	// settled says in which state it is waited for no longer, though it goes on.
	settled func(wire.RequestStatus) bool
}

// request starts a request, waits for it if that is wanted, and says what became of it.
func (p *app) request(ctx context.Context, o startRequest) error {
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if o.chosen {
		if err := p.requireFree(ctx, e, o.id); err != nil {
			return err
		}
	}
	if o.dryRun {
		kind, _, _ := strings.Cut(o.id, "/")
		o.id, o.wait = kind+"/"+requestrecord.DryRunMark+newRequestID(), true
	}
	if err := p.signRequest(ctx, o); err != nil {
		return err
	}
	run, err := e.startRequest(ctx, o, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)
	if _, taken := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); taken {
		return p.taken(ctx, e, o.id)
	}
	if err != nil {
		return err
	}
	if !o.dryRun {
		p.remark("asked: %s", o.id)
	}
	if o.wait {
		return p.await(ctx, e, run, o)
	}
	if p.output.json {
		return p.emitJSON(run)
	}
	p.remark("look at it with `starter show %s`", typed(o.id))
	return nil
}

// startRequest starts a workflow under an id that must not be running. An id that may
// not be used again is a [*serviceerror.WorkflowExecutionAlreadyStarted].
func (e *temporalClient) startRequest(
	ctx context.Context, o startRequest, reuse enumspb.WorkflowIdReusePolicy,
) (startedRun, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	run, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       o.id,
		TaskQueue:                                e.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    reuse,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            o.summary,
	}, o.kind, o.input)
	if err != nil {
		return startedRun{}, fmt.Errorf("start %s: %w", o.id, e.Explain(err))
	}
	return startedRun{WorkflowID: o.id, RunID: run.GetRunID(), Started: true}, nil
}

// requireFree fails if some request holds the id, also one that Temporal has forgotten.
func (p *app) requireFree(ctx context.Context, e *temporalClient, id string) error {
	d := p.requestRecord(ctx, e, "", id)
	if d.Known() {
		return holds(d)
	}
	return nil
}

// taken says which request holds an id.
func (p *app) taken(ctx context.Context, e *temporalClient, id string) error {
	return holds(p.requestRecord(ctx, e, "", id))
}

func holds(r requestrecord.Record) error {
	return fmt.Errorf("%s is already in use: %s; choose another --id, or run `starter show %s`",
		r.ID, r.Sentence(), typed(r.ID))
}
