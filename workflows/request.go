package workflows

import (
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// request is what a request has learned and what is known of it: its plan, its proofs, and
// how it ends. The machine decides what happens to it.
type request struct {
	log    log.Logger
	info   wire.RequestInfo
	spec   wire.PlanInput
	plan   *access.Plan             // nil until it is made
	signed *access.RequestSignature // the requester's; nil where the name is as claimed
	// mustSign says that signatures are required, for the life of the request.
	mustSign bool
	proofs   []access.Proof
	counted  []access.Decision // that count, on earlier plans too
	// why says in the receipt why it ends as it does; "" where that is plain.
	why        string
	extensions []access.Extension
	state      string          // as people see it
	wait       string          // what it waits for, in words
	receipt    *access.Receipt // that an activity wrote with the last change; nil without one
	result     *wire.RequestResult

	// delegations were in force when the plan was made, for the status only.
	delegations []access.Delegation

	indexed    bool      // the server knows our search attributes
	shown      string    // state that they show; "" before the first
	deadline   time.Time // that they show
	pending    string    // that they show
	notifies   bool      // events are announced
	announcing int       // events that are being announced
}

func newRequest(ctx workflow.Context, asked wire.PlanInput) *request {
	info := workflow.GetInfo(ctx)
	asked.Request = wire.RequestInfo{
		ID: info.WorkflowExecution.ID, Run: info.OriginalRunID, StartedAt: workflow.Now(ctx).UTC(),
	}
	asked = startedAt(asked, info.WorkflowStartTime)
	return &request{log: workflow.GetLogger(ctx), info: asked.Request, spec: asked, state: wire.StatePlanning}
}

// lease is the request's claim; its id is unique to this run of the workflow.
func (r *request) lease() access.Lease {
	return access.Lease{ID: r.info.ID + "#" + r.info.Run, Holding: r.plan.Holding()}
}

func (r *request) writer(ctx workflow.Context) wire.Writer {
	p := r.plan.Principal
	return wire.Writer{
		WorkflowID: wire.PrincipalID(r.plan.Console, p.Kind, p.ID), WorkflowType: wire.PrincipalType,
		Update: wire.ChangeUpdate, TaskQueue: workflow.GetInfo(ctx).TaskQueueName,
		Start: wire.WriterStart{Console: r.plan.Console, Kind: p.Kind, ID: p.ID},
	}
}

func (r *request) changeOf(op access.Op, lease access.Lease) wire.ChangeRequest {
	return wire.ChangeRequest{
		Key: access.ChangeKey(lease.ID, op), Request: r.info.ID,
		Change: access.Change{Op: op, Lease: lease, Rules: r.plan.Rules}.WithScopes(*r.plan),
	}
}

// enter moves to a state and says so in Temporal's own tools. The text is not encrypted on
// its way there, so it names groups and no people.
func (r *request) enter(ctx workflow.Context, state, waiting string) {
	r.state, r.wait = state, waiting
	details := "**" + state + "**"
	if waiting != "" {
		details += ", waiting " + waiting
	}
	workflow.SetCurrentDetails(ctx, details)
}

func (r *request) status() wire.RequestStatus {
	return wire.RequestStatus{
		State: r.state, Request: r.info.ID, Run: r.info.Run,
		Requester: r.spec.Terms.Requester, StartedAt: r.info.StartedAt,
		Waiting: r.wait, Plan: r.plan, Proofs: append([]access.Proof{}, r.proofs...), Result: r.result,
	}
}

func invalid(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), string(kinds.Invalid), nil)
}
