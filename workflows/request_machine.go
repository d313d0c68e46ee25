package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// machine carries a request out by the table: it does the work of its state until
// something happens, and goes to the state that comes next.
type machine struct {
	*request

	kind kind
	// at is the state by the table. The state that people see follows it, but for ends, which
	// are seen when the receipt is written.
	at     state
	create string // name of the activity that makes the account, of a provision

	approval approval.State
	deciding workflow.Mutex // one decision at a time
	refusals int            // decisions that did not count
	// inFlight is when the decisions came that are being recorded.
	inFlight []time.Time

	stop         *stopRequest // nil until somebody cancels or ends it
	checking     int          // messages that may stop it, and are being verified
	refusedStops int          // of those, that did not count

	endsAt time.Time // of time-bound access that is in force
	// givenUntil is when the writer says that access ends; zero if it does not.
	givenUntil time.Time
	ending     workflow.Mutex
	// extending counts the extensions that wait for their turn.
	extending int

	asked      int              // extensions that were asked for
	asking     bool             // who must approve one is being found out
	extension  *openedExtension // the last one that people were asked about; nil before
	watching   int              // extensions that wait for their approval, or move the end
	onExtended int              // decisions on extensions
	// failure is why it could not be planned.
	failure error
	over    bool // the machine has stopped: updates that wait for the end are answered
}

// stopRequest is an update that ends a request: cancel or end.
type stopRequest struct {
	access.Stop

	on event
}

func newMachine(ctx workflow.Context, k kind, asked wire.PlanInput) *machine {
	m := &machine{
		request: newRequest(ctx, asked), kind: k, at: planning,
		deciding: workflow.NewMutex(ctx), ending: workflow.NewMutex(ctx),
	}
	m.approval = m.notAsked()
	return m
}

// carryOut takes a request from its first message to its last.
func (m *machine) carryOut(ctx workflow.Context) (wire.RequestResult, error) {
	if err := m.handle(ctx); err != nil {
		return wire.RequestResult{}, err
	}
	err := m.run(ctx)
	m.over = true
	return m.finishAll(ctx, err)
}

func (m *machine) run(ctx workflow.Context) error {
	m.show(ctx)
	for !m.at.final() {
		happened, err := m.work(ctx)
		if err != nil {
			return err
		}
		if err := m.move(ctx, happened); err != nil {
			return err
		}
	}
	return nil
}

// work does what a request does in its state, and says what came of it.
func (m *machine) work(ctx workflow.Context) (event, error) {
	happened, err := m.workOf(m.at)(ctx)
	if err == nil {
		happened, err = m.afterStops(ctx, happened)
	}
	if temporal.IsCanceledError(err) {
		if m.stop != nil {
			return m.stop.on, nil
		}
		return onCancelled, nil
	}
	return happened, err
}

func (m *machine) workOf(s state) func(workflow.Context) (event, error) {
	switch s {
	case planning:
		return m.makePlan
	case awaitingApproval:
		return m.awaitApproval
	case scheduled:
		return m.awaitStart
	case applying:
		return m.applyByKind
	case active:
		return m.hold
	case makingPermanent:
		return m.makePermanent
	case releasingExpired, releasingEnded, releasingCancelled:
		return m.releaseByKind
	default:
		return m.awaitReview
	}
}

// move goes to the next state. An event without a row is a mistake in this program: the
// panic stops the workflow where it is, until a worker with a better table takes it.
func (m *machine) move(ctx workflow.Context, happened event) error {
	t, ok := next(m.kind, m.at, happened)
	if !ok {
		text := fmt.Sprintf("the request table has no row for %q in state %s", happened, m.at)
		panic(text) //nolint:forbidigo // an error would end the workflow, and access with no one to release it
	}
	m.explain(happened)
	m.at = t.to
	if !m.at.final() {
		m.state = m.at.onWire()
	}
	for _, e := range t.effects {
		if err := m.take(ctx, e); err != nil {
			return err
		}
	}
	if !m.at.final() {
		m.show(ctx)
	}
	return nil
}

// take has an effect. Decisions, extensions and stops have theirs while their update is handled.
func (m *machine) take(ctx workflow.Context, e effect) error {
	switch e {
	case askApprovers:
		m.askApprovers(ctx)
	case planAgain:
		m.planAgain()
	case startHolding:
		m.startHolding(ctx)
	case announceReview:
		m.announce(ctx, wire.EventReleased)
	case closeRequest:
		return m.closeAs(ctx, m.at)
	case answerWithPlan:
		m.answerWithPlan(ctx)
	case failWorkflow:
		return m.fail(ctx, m.failure)
	case recordDecision, extendAccess, recordStop:
	}
	return nil
}

// explain keeps why the request ends, for the receipt.
func (m *machine) explain(happened event) {
	switch happened {
	case onCancel:
		m.why = "cancelled by " + m.stop.By
	case onCancelled:
		m.why = "cancelled in Temporal"
	case onEnd:
		m.why = "ended by " + m.stop.By
	case onDenied, onTimedOut:
		m.why = m.approval.VerdictText()
	default: // the work has said why, if there is anything to say
	}
}

// proceed says what comes next when nothing more is needed before the start.
func (m *machine) proceed(ctx workflow.Context) event {
	switch start := m.terms().StartAt; {
	case m.stop != nil:
		return m.stop.on
	case ctx.Err() != nil:
		return onCancelled
	case start.After(workflow.Now(ctx)):
		return onStartAhead
	}
	return onReady
}

// awaitStart waits for the time that was requested, or that an approver moved it to.
func (m *machine) awaitStart(ctx workflow.Context) (event, error) {
	start := m.terms().StartAt
	_, err := awaitUntil(ctx, start, "start of the grant", func() bool { return m.stop != nil })
	if err != nil {
		return "", err
	}
	if m.stop != nil {
		return m.stop.on, nil
	}
	return onReady, nil
}

// terms are those requested, as approvers have narrowed them.
func (m *machine) terms() access.Terms { return m.approval.Terms() }

// show says in Temporal's own tools where the request is and what it waits for.
func (m *machine) show(ctx workflow.Context) {
	waits, deadline := m.waitsFor()
	m.enter(ctx, m.at.onWire(), waits)
	m.index(ctx, deadline, m.pendingDecision())
}

// pendingDecision is what the search attribute shows of decisions on access in force; "" before
// and after. A review may outlast the access.
func (m *machine) pendingDecision() string {
	switch {
	case m.extensionPending():
		return pendingExtension
	case m.inReview(), m.state == wire.StateAwaitingReview:
		return pendingReview
	case m.state == wire.StateActive:
		return pendingNothing
	}
	return ""
}

// waitsFor says what the request waits for, and until when; "" while it moves.
func (m *machine) waitsFor() (string, time.Time) {
	switch m.at {
	case awaitingApproval, awaitingReviewExpired, awaitingReviewEnded, awaitingReviewCancelled:
		return m.approval.Pending(), m.approval.Deadline
	case scheduled:
		start := m.terms().StartAt
		return "for its start at " + at(start), start
	case active:
		return m.holdsUntil(), m.nextDeadline()
	case makingPermanent:
		return "for its writer, to make it permanent", m.leaseEnd()
	default:
		return "", time.Time{}
	}
}
