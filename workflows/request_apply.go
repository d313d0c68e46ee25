package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// applyByKind carries out the change that the request is for.
func (m *machine) applyByKind(ctx workflow.Context) (event, error) {
	switch m.kind {
	case grantKind:
		return m.applyGrant(ctx)
	case provisionKind:
		return m.createAccount(ctx)
	case rotateKind:
		return m.rotateToken(ctx)
	default:
		return m.removeAccess(ctx)
	}
}

// removeAccess carries out a revoke or an offboarding, through to its end: it cannot be
// cancelled.
func (m *machine) removeAccess(ctx workflow.Context) (event, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	err := m.applyUntilDone(open, m.changeOf(m.spec.Op, m.lease()), onApplied)
	return m.closedAs(), err
}

// closedAs is what the writer's receipt says of the change.
func (m *machine) closedAs() event {
	if m.receipt != nil && m.receipt.State == wire.StateRefused {
		return onRefused
	}
	return onApplied
}

// applyGrant has the writer give the role. A cancellation meanwhile stops the waiting, not
// the writer: what that has done is released. Where it would do more than approvers saw, nothing
// is done.
func (m *machine) applyGrant(ctx workflow.Context) (event, error) {
	change, closing := m.changeOf(access.OpGrant, m.lease()), onApplied
	if m.timeBound() || m.plan.Approval.Review != nil { // what may have to be released
		change, closing = m.changeOf(access.OpAcquire, m.leaseToAcquire()), ""
	}
	switch {
	case !m.plan.Approval.Required:
	case m.plan.Effect != nil:
		change.Effect = m.plan.Effect
	default: // a plan from before there were effects
		change.Expect = &m.plan.Before
	}
	inner, stop := workflow.WithCancel(ctx)
	defer stop()
	var out wire.ApplyResult
	var err error
	finished := false
	workflow.Go(inner, func(ctx workflow.Context) {
		out, err = m.apply(ctx, change, closing, m.spec.Round)
		finished = true
	})
	if err := m.awaitApply(ctx, stop, &finished); err != nil {
		return "", err
	}
	switch {
	case temporal.IsCanceledError(err):
		return "", err
	case err != nil:
		return m.refuse(err), nil
	case m.receipt != nil:
		return m.closedAs(), nil
	case out.Proof.Outcome == access.PlanChanged:
		return onPlanChanged, nil
	case out.Refused():
		m.why = out.Message
		return onRefused, nil
	case m.stop != nil: // a cancellation that came with the answer: nobody asks for the role any more
		return m.stop.on, nil
	case ctx.Err() != nil:
		return onCancelled, nil
	}
	return onInForce, nil
}

// awaitApply waits for the writer's answer, or for a cancellation. That ends the activity at
// once, unless its answer has come in the same workflow task: then it counts, and its proof
// is there before the role is released.
func (m *machine) awaitApply(ctx workflow.Context, stop workflow.CancelFunc, finished *bool) error {
	open, end := workflow.NewDisconnectedContext(ctx)
	defer end()
	err := workflow.Await(open, func() bool { return *finished || m.stop != nil || ctx.Err() != nil })
	if err != nil {
		return err
	}
	if !*finished {
		stop()
	}
	return workflow.Await(open, func() bool { return *finished })
}

func (m *machine) timeBound() bool { return m.terms().Duration > 0 }

// leaseToAcquire ends a time after it is acquired, or at a time of its own if its start
// was named.
func (m *machine) leaseToAcquire() access.Lease {
	l, terms := m.lease(), m.terms()
	l.For = m.unreviewedTerm(terms.Duration)
	if !terms.StartAt.IsZero() {
		l.End = terms.StartAt.Add(time.Duration(terms.Duration)).UTC()
	}
	return l
}

// apply has the principal's writer carry out a change. If the event that its success is
// ends the request, the writer's proof is the last one and it writes the receipt. Another
// try, from 0, asks anew.
func (m *machine) apply(
	ctx workflow.Context, in wire.ChangeRequest, closing event, try int,
) (wire.ApplyResult, error) {
	input := wire.ApplyInput{Request: m.info, Writer: m.writer(ctx), Change: in, Try: try}
	if t, ok := next(m.kind, m.at, closing); ok {
		input.Close = new(m.closeInput(t.to))
	}
	out, err := call[wire.ApplyResult](viaWriter(ctx, in.Change.Op, string(in.Change.Op)), wire.ApplyActivity, input)
	if err != nil {
		return out, err
	}
	m.proofs = append(m.proofs, out.Proof)
	m.receipt, m.givenUntil = out.Receipt, out.EndsAt
	return out, nil
}

// applyUntilDone carries out a change that removes access. The writer waits out whatever
// the console says; should it fail all the same, it is asked anew.
func (m *machine) applyUntilDone(ctx workflow.Context, in wire.ChangeRequest, closing event) error {
	for try := 0; ; try++ {
		_, err := m.apply(ctx, in, closing, try)
		if err == nil {
			return nil
		}
		m.log.Error("Access that must end is still in force", "error", err)
		m.enter(ctx, m.state, "for the principal's writer, which failed: "+reason(err))
		if err := workflow.Sleep(ctx, retryPause); err != nil {
			return err
		}
	}
}

// retryPause is the pause before a writer that failed is asked again.
const retryPause = 5 * time.Minute

// notifyWriter tells the writer something that changes nothing on the console.
func (m *machine) notifyWriter(ctx workflow.Context, in wire.ChangeRequest, by *access.Extension) error {
	_, err := call[wire.ApplyResult](viaWriter(ctx, in.Change.Op, "notify the writer"), wire.ApplyActivity,
		wire.ApplyInput{Request: m.info, Writer: m.writer(ctx), Change: in, Extension: by})
	return err
}

// releaseByKind undoes what was applied, or may have been.
func (m *machine) releaseByKind(ctx workflow.Context) (event, error) {
	if m.kind == provisionKind {
		return m.undoAccount(ctx)
	}
	return m.releaseRole(ctx)
}

// releaseRole releases what was given, or may have been, and verifies that it is gone. It
// has no deadline and no way to give up: while the role may be there, the workflow is.
// Where its review is pending, the request stays open for that.
func (m *machine) releaseRole(ctx workflow.Context) (event, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	change := m.changeOf(access.OpRelease, m.lease())
	if len(m.proofs) > 0 {
		change.GrantProof = new(m.proofs[0].Summary())
	}
	closing := onReleased
	if m.inReview() {
		closing = ""
	}
	if err := m.applyUntilDone(open, change, closing); err != nil {
		return "", err
	}
	if m.inReview() {
		return onReviewPending, nil
	}
	return onReleased, nil
}
