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
	in := m.closeInput(end)
	in.Releases = true
	for {
		out, err := call[wire.CloseResult](shortCall(open, "receipt"), wire.CloseActivity, in)
		switch {
		case err != nil:
			return err
		case out.Release == nil:
			m.finish(ctx, out.Receipt)
			return nil
		case !since(ctx, endsRelease): // a worker that may be rolled back: the receipt waits for the release
			in.Releases = false
		default:
			if err := m.releaseFirst(open, *out.Release); err != nil {
				return err
			}
		}
	}
}

// releaseFirst releases access of a request that ends otherwise: the ledger says that it was given, or may have
// been. The workflow may not know, as after a reset.
func (m *machine) releaseFirst(ctx workflow.Context, given access.Plan) error {
	m.plan = &given
	m.enter(ctx, wire.StateReleasing, "for the release of access that the request must not leave behind")
	m.index(ctx, time.Time{}, "")
	return m.applyUntilDone(ctx, m.changeOf(access.OpRelease, m.lease()), "")
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
	m.enter(ctx, wire.StateFailed, "")
	m.why = reason(cause)
	if app, ok := errors.AsType[*temporal.ApplicationError](cause); ok {
		if app.Type() == string(kinds.Conflict) && !app.HasDetails() { // another console's: so is its ledger
			return app
		}
		m.why, cause = app.Message(), app
	}
	if err := m.closeAs(ctx, endFailed); err != nil {
		m.log.Error("Receipt was not written", "error", err)
	}
	return cause
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
