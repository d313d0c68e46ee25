package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// stopHandler answers when the request has ended, or the role is gone and only its review
// is pending.
func (m *machine) stopHandler(u event) func(workflow.Context, wire.StopInput) (wire.RequestAnswer, error) {
	return func(ctx workflow.Context, in wire.StopInput) (wire.RequestAnswer, error) {
		open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
		defer stop()
		by := stopOf(ctx, string(u), in.By, in.Comment, in.Signed)
		if since(ctx, stopsAreRecorded) {
			refusal, err := m.checkStop(open, u, &by)
			if err == nil && refusal != "" {
				err = refused(refusal)
			}
			if err != nil {
				return wire.RequestAnswer{}, err
			}
		}
		m.stopBy(u, by)
		err := workflow.Await(open, func() bool { return m.over || slices.Contains(awaitingReview, m.at) })
		return m.updateAnswer(), err
	}
}

// stopOf is what a message says, as the workflow takes it.
func stopOf(ctx workflow.Context, action, by, comment string, s wire.Signed) access.Stop {
	out := access.Stop{
		At: workflow.Now(ctx).UTC(), Action: action, By: strings.TrimSpace(by), Comment: comment,
		Signed: access.Unsigned, Signature: s.Signature,
	}
	if !s.SignedAt.IsZero() {
		out.SignedAt = s.SignedAt.UTC()
	}
	return out
}

// checkStop has an activity verify and record who stops the request, and says why it does
// not count. While that takes its time, nothing is given (see [machine.afterStops]), and an
// end that comes is not held up: then there is nothing left to stop, and nothing to check.
func (m *machine) checkStop(ctx workflow.Context, u event, by *access.Stop) (refusal string, err error) {
	checking, cancel := workflow.WithCancel(ctx)
	defer cancel()
	m.checking++
	defer func() { m.checking-- }()
	done := false
	workflow.Go(checking, func(ctx workflow.Context) {
		if workflow.Await(ctx, func() bool { return done || !m.stoppable(u) }) == nil && !done {
			cancel()
		}
	})
	out, err := call[wire.StopResult](shortCall(checking, string(u)), wire.StopActivity,
		wire.StopActivityInput{Request: m.info, Stop: *by})
	done = true
	switch {
	case err != nil && !m.stoppable(u): // it has ended by itself
		return "", nil
	case err != nil:
		return "", err
	case out.Refusal != "":
		m.refusedStops++
		return out.Refusal, nil
	}
	by.Signed = out.Signed
	return "", nil
}

// stoppable says that there is something left to stop: the request accepts the update, or
// has been applied while a cancellation was checked.
func (m *machine) stoppable(u event) bool {
	return accepts(m.kind, m.at, u) || u == onCancel && m.at == active
}

// stopBy stops the request, unless somebody else has or it ends by itself. A grant that was
// applied while its cancellation was checked is ended.
func (m *machine) stopBy(u event, by access.Stop) {
	if u == onCancel && m.at == active {
		u = onEnd
	}
	if m.stop == nil && accepts(m.kind, m.at, u) {
		m.stop = &stopRequest{on: u, Stop: by}
	}
}

// mayStop says why a message that stops the request is turned away. What else does not count
// is recorded.
func (m *machine) mayStop(u event) func(workflow.Context, wire.StopInput) error {
	return func(ctx workflow.Context, in wire.StopInput) error {
		if err := mayStillAdd(ctx, in); err != nil {
			return err
		}
		if m.refusedStops >= maxRefusals {
			return refused(fmt.Sprintf("cannot %s: %d such messages did not count, which is the limit",
				u, m.refusedStops))
		}
		return m.mayUpdate(u, in.By, workflow.Now(ctx))
	}
}

// afterStops holds back what would give access while it is checked whether somebody has
// stopped the request.
func (m *machine) afterStops(ctx workflow.Context, happened event) (event, error) {
	t, ok := next(m.kind, m.at, happened)
	if m.checking == 0 || !ok || t.to != applying && t.to != makingPermanent {
		return happened, nil
	}
	if t.to == makingPermanent { // which a cancellation in Temporal does not hold up either
		open, stop := workflow.NewDisconnectedContext(ctx)
		defer stop()
		ctx = open
	}
	if err := workflow.Await(ctx, func() bool { return m.checking == 0 }); err != nil {
		return "", err
	}
	if m.stop != nil {
		return m.stop.on, nil
	}
	return happened, nil
}
