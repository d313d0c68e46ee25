package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// request is what grants and revokes have in common: a plan, changes through the
// principal's one writer, and a receipt.
type request struct {
	log    log.Logger
	info   wire.RequestInfo
	asked  wire.PlanInput
	plan   *access.Plan             // nil until it is made
	signed *access.RequestSignature // the requester's; nil where the name is as claimed
	proofs []access.Proof
	all    []access.Decision // that counted, on earlier plans too
	// why says in the receipt why it ends as it does; "" where that is plain.
	why        string
	extensions []access.Extension
	state      string
	wait       string // what it waits for, in words
	result     *wire.RequestResult
	ending     bool // all is done but for the answers

	indexed  bool      // the server knows our search attributes
	shown    string    // state that they show; "" before the first
	deadline time.Time // that they show
	notifies bool      // people are told
	told     int       // events
	telling  int       // of them, on their way
}

func newRequest(ctx workflow.Context, asked wire.PlanInput) *request {
	info := workflow.GetInfo(ctx)
	asked.Request = wire.RequestInfo{
		ID: info.WorkflowExecution.ID, Run: info.OriginalRunID, StartedAt: workflow.Now(ctx).UTC(),
	}
	asked = startedAt(asked, info.WorkflowStartTime)
	return &request{log: workflow.GetLogger(ctx), info: asked.Request, asked: asked, state: wire.StatePlanning}
}

// makePlan finds out what the request means. A refusal ends it.
func (r *request) makePlan(ctx workflow.Context) error {
	r.enter(ctx, wire.StatePlanning, "")
	out, err := call[wire.PlanResult](brief(ctx, "plan"), wire.PlanActivity, r.asked)
	if err != nil {
		return err
	}
	r.plan, r.notifies, r.indexed = &out.Plan, out.Notify, out.Indexed
	if out.Signature != nil {
		r.signed = out.Signature
	}
	switch {
	case out.Receipt != nil:
		r.finish(ctx, *out.Receipt)
	case r.asked.DryRun:
		r.result = &wire.RequestResult{State: wire.StatePlanned, Message: out.Plan.Refusal, Plan: r.plan}
		r.enter(ctx, wire.StatePlanned, "")
	}
	return nil
}

// lease is the request's claim; its id is unique to this run of the workflow.
func (r *request) lease() access.Lease {
	return access.Lease{ID: r.info.ID + "#" + r.info.Run, Holding: r.plan.Holding()}
}

// apply has the principal's writer carry out a change. With a state, the proof is the
// last one and the receipt says that state. Another try, from 0, asks anew.
func (r *request) apply(
	ctx workflow.Context, in wire.ChangeRequest, end string, try int,
) (wire.ApplyResult, error) {
	input := wire.ApplyInput{Request: r.info, Writer: r.writer(ctx), Change: in, Try: try}
	if end != "" {
		input.Close = &wire.CloseInput{
			Request: r.info, Plan: *r.plan, State: end, Message: r.why, Proofs: r.proofs, Decisions: r.all,
			Extensions: r.extensions, Signature: r.signed,
		}
	}
	out, err := call[wire.ApplyResult](ask(ctx, string(in.Change.Op)), wire.ApplyActivity, input)
	if err != nil {
		return out, err
	}
	r.proofs = append(r.proofs, out.Proof)
	if out.Receipt != nil {
		r.finish(ctx, *out.Receipt)
	}
	return out, nil
}

// insist carries through a change that takes access away. The writer waits out
// whatever the console says; should it fail all the same, it is asked anew.
func (r *request) insist(ctx workflow.Context, in wire.ChangeRequest, end string) error {
	for try := 0; ; try++ {
		_, err := r.apply(ctx, in, end, try)
		if err == nil {
			return nil
		}
		r.log.Error("Access that is to end is still there", "error", err)
		r.enter(ctx, r.state, "for the principal's writer, which failed: "+reason(err))
		if err := workflow.Sleep(ctx, askAnew); err != nil {
			return err
		}
	}
}

// askAnew is the pause before a writer that failed is asked again.
const askAnew = 5 * time.Minute

// tell has the writer take note of something that changes nothing on the console.
func (r *request) tell(ctx workflow.Context, in wire.ChangeRequest, by *access.Extension) error {
	_, err := call[wire.ApplyResult](ask(ctx, "tell the writer"), wire.ApplyActivity,
		wire.ApplyInput{Request: r.info, Writer: r.writer(ctx), Change: in, Extension: by})
	return err
}

func (r *request) writer(ctx workflow.Context) wire.Writer {
	p := r.plan.Principal
	return wire.Writer{
		WorkflowID: wire.PrincipalID(r.plan.Console, p.Kind, p.ID), WorkflowType: wire.PrincipalType, Update: wire.ChangeUpdate,
		TaskQueue: workflow.GetInfo(ctx).TaskQueueName,
		Start:     wire.WriterStart{Console: r.plan.Console, Kind: p.Kind, ID: p.ID},
	}
}

func (r *request) changeOf(op access.Op, lease access.Lease) wire.ChangeRequest {
	return wire.ChangeRequest{
		Key: access.ChangeKey(lease.ID, op), Request: r.info.ID,
		Change: access.Change{Op: op, Lease: lease, Rules: r.plan.Rules},
	}
}

// close ends the request without another change.
func (r *request) close(ctx workflow.Context, state, message string) error {
	in := wire.CloseInput{
		Request: r.info, State: state, Message: message, Proofs: r.proofs, Decisions: r.all,
		Extensions: r.extensions, Signature: r.signed,
	}
	if r.plan != nil {
		in.Plan = *r.plan
	} else {
		in.Plan = access.Plan{Op: r.asked.Op, Terms: r.asked.Terms}
	}
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	out, err := call[wire.CloseResult](brief(open, "receipt"), wire.CloseActivity, in)
	if err == nil {
		r.finish(ctx, out.Receipt)
	}
	return err
}

// fail ends a request that could not be planned: the receipt says why, and so does
// the failure, under its own type.
func (r *request) fail(ctx workflow.Context, cause error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](cause)
	if !ok {
		return cause
	}
	r.enter(ctx, wire.StateFailed, "")
	if app.Type() == string(kinds.Conflict) && !app.HasDetails() { // another console's: so is its ledger
		return app
	}
	if err := r.close(ctx, wire.StateFailed, app.Message()); err != nil {
		r.log.Error("Receipt was not written", "error", err)
	}
	r.enter(ctx, wire.StateFailed, "")
	return app
}

func (r *request) finish(ctx workflow.Context, receipt access.Receipt) {
	r.result = &wire.RequestResult{
		State: receipt.State, Outcome: receipt.Outcome, Message: receipt.Message, Receipt: &receipt,
	}
	r.enter(ctx, receipt.State, "")
	r.index(ctx, time.Time{})
	r.tellRequester(ctx, endEvent(receipt), receipt.State)
}

// endEvent is what people are told at the end.
func endEvent(receipt access.Receipt) string {
	switch receipt.Outcome {
	case access.Applied, access.AlreadyHeld, access.Created:
		return wire.EventApplied
	case "":
		return wire.EventDecided
	default:
		return wire.EventReleased
	}
}

// end is the last thing a request does: everybody who asked gets an answer, also when
// it was cancelled meanwhile, and every event is on its way.
func (r *request) end(ctx workflow.Context, err error) (wire.RequestResult, error) {
	r.ending = true
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	waited := workflow.Await(open, func() bool { return workflow.AllHandlersFinished(open) })
	if waited == nil {
		waited = r.toldAll(open)
	}
	if err == nil {
		err = waited
	}
	if r.result == nil {
		return wire.RequestResult{}, err // as it is: anything around it would hide its type from Temporal
	}
	return *r.result, err
}

func (r *request) done() bool { return r.result != nil }

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
		Requester: r.asked.Terms.Requester, StartedAt: r.info.StartedAt,
		Waiting: r.wait, Plan: r.plan, Proofs: append([]access.Proof{}, r.proofs...), Result: r.result,
	}
}

func invalid(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), string(kinds.Invalid), nil)
}

func at(t time.Time) string { return describe.Second(t) }

func mustSay(by string) error {
	if blank(by) {
		return refused(`"by" is missing: say who asks, as in {"by":"ana@example.com"}`)
	}
	return nil
}

func notNow(what, state string) error {
	return refused(fmt.Sprintf("too late or too early to %s: the state is %s", what, state))
}
