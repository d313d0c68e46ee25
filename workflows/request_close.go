package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// closeAs ends the request with its receipt: the one that an activity wrote with the last
// change, or a new one.
func (m *machine) closeAs(ctx workflow.Context, end state) error {
	if m.receipt != nil {
		m.finish(ctx, *m.receipt)
		return nil
	}
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	out, err := call[wire.CloseResult](shortCall(open, "receipt"), wire.CloseActivity, m.closeInput(end))
	if err == nil {
		m.finish(ctx, out.Receipt)
	}
	return err
}

// closeInput is what the receipt of that end is made of.
func (m *machine) closeInput(end state) wire.CloseInput {
	in := wire.CloseInput{
		Request: m.info, State: string(end), Message: m.withReview(string(end), m.why),
		Decisions: m.counted, Extensions: m.extensions, Signature: m.signed,
		Plan: access.Plan{Op: m.spec.Op, Terms: m.spec.Terms},
	}
	for _, p := range m.proofs {
		in.Proofs = append(in.Proofs, p.Summary())
	}
	if m.plan != nil {
		in.Plan = *m.plan
	}
	if m.stop != nil {
		in.Stop = new(m.stop.Stop)
	}
	return in
}

// fail ends a request that could not be planned: the receipt says why, and so does the
// failure, under its own type.
func (m *machine) fail(ctx workflow.Context, cause error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](cause)
	if !ok {
		return cause
	}
	m.enter(ctx, wire.StateFailed, "")
	if app.Type() == string(kinds.Conflict) && !app.HasDetails() { // another console's: so is its ledger
		return app
	}
	m.why = app.Message()
	if err := m.closeAs(ctx, endFailed); err != nil {
		m.log.Error("Receipt was not written", "error", err)
	}
	return app
}

// answerWithPlan ends a dry run.
func (m *machine) answerWithPlan(ctx workflow.Context) {
	m.result = &wire.RequestResult{State: wire.StatePlanned, Message: m.plan.Refusal, Plan: m.plan}
	m.enter(ctx, wire.StatePlanned, "")
}

func (m *machine) finish(ctx workflow.Context, receipt access.Receipt) {
	m.result = &wire.RequestResult{
		State: receipt.State, Outcome: receipt.Outcome, Message: receipt.Message, Receipt: &receipt,
	}
	m.enter(ctx, receipt.State, "")
	m.index(ctx, time.Time{}, "")
	m.announce(ctx, endEvent(receipt))
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

// finishAll is the last thing a request does: every update gets an answer, also when the
// run was cancelled meanwhile, and every event is on its way.
func (m *machine) finishAll(ctx workflow.Context, err error) (wire.RequestResult, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	waited := workflow.Await(open, func() bool { return workflow.AllHandlersFinished(open) && m.watching == 0 })
	if waited == nil {
		waited = m.awaitAnnouncements(open)
	}
	if err == nil {
		err = waited
	}
	if m.result == nil {
		return wire.RequestResult{}, err // as it is: anything around it would hide its type from Temporal
	}
	return *m.result, err
}
