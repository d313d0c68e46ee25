package workflows

// Every request, of whatever kind, is carried out by one state machine. This file is that
// machine as a table: in which state what may happen, which state comes next, and what is
// done on the way. Which updates a state accepts follows from it, and so does the sentence
// that refuses the others. docs/architecture.md shows the table; a test compares them.

import (
	"slices"
	"strings"

	"sentinelone-provisioner/internal/wire"
)

// kind is a set of kinds of requests.
type kind uint8

const (
	grantKind kind = 1 << iota
	revokeKind
	provisionKind
	offboardKind
	rotateKind

	anyKind = grantKind | revokeKind | provisionKind | offboardKind | rotateKind
)

// state is where a request is. What is before the slash is the state on the wire; what is
// behind it is how the request will end, or what it is about to become.
type state string

const (
	planning         state = wire.StatePlanning
	awaitingApproval state = wire.StateAwaitingApproval
	scheduled        state = wire.StateScheduled
	applying         state = wire.StateApplying
	active           state = wire.StateActive
	makingPermanent  state = wire.StateActive + "/" + wire.StateGranted

	releasingExpired        state = wire.StateReleasing + "/" + wire.StateExpired
	releasingEnded          state = wire.StateReleasing + "/" + wire.StateEnded
	releasingCancelled      state = wire.StateReleasing + "/" + wire.StateCancelled
	awaitingReviewExpired   state = wire.StateAwaitingReview + "/" + wire.StateExpired
	awaitingReviewEnded     state = wire.StateAwaitingReview + "/" + wire.StateEnded
	awaitingReviewCancelled state = wire.StateAwaitingReview + "/" + wire.StateCancelled

	endGranted     state = wire.StateGranted
	endExpired     state = wire.StateExpired
	endEnded       state = wire.StateEnded
	endCancelled   state = wire.StateCancelled
	endDenied      state = wire.StateDenied
	endTimedOut    state = wire.StateTimedOut
	endRefused     state = wire.StateRefused
	endPlanned     state = wire.StatePlanned
	endRevoked     state = wire.StateRevoked
	endProvisioned state = wire.StateProvisioned
	endOffboarded  state = wire.StateOffboarded
	endRotated     state = wire.StateRotated
	endFailed      state = wire.StateFailed
)

// event is what may happen to a request: the result of what it does in its state, an
// update, or its cancellation in Temporal.
type event string

const (
	onApprove   event = wire.ApproveUpdate
	onDeny      event = wire.DenyUpdate
	onCancel    event = wire.CancelUpdate
	onExtend    event = wire.ExtendUpdate
	onEnd       event = wire.EndUpdate
	onCancelled event = "cancelled in Temporal"

	onApprovalNeeded event = "approval is needed"
	onStartAhead     event = "start is ahead"
	onReady          event = "ready to apply"
	onDryRun         event = "dry run planned"
	onRefused        event = "refused"
	onFailed         event = "planning failed"
	onDenied         event = "verdict: denied"
	onTimedOut       event = "verdict: timed out"
	onApplied        event = "applied"
	onInForce        event = "in force"
	onPlanChanged    event = "principal has changed"
	onNothingMade    event = "nothing was made"
	onEndReached     event = "end reached"
	onReviewPassed   event = "review passed, permanent"
	onReviewFailed   event = "review failed"
	onNotPermanent   event = "cannot be made permanent"
	onReleased       event = "released"
	onReviewPending  event = "released, review is pending"
	onReviewOver     event = "review is over"
)

// updates are the events that people send.
var updates = []event{onApprove, onDeny, onCancel, onExtend, onEnd}

// effect is what is done on the way to the next state.
type effect string

const (
	askApprovers   effect = "ask approvers"
	recordDecision effect = "record decision"
	planAgain      effect = "forget decisions, plan again"
	startHolding   effect = "note end, open review"
	extendAccess   effect = "ask approvers, then move end"
	recordStop     effect = "record who"
	announceReview effect = "notify requester"
	closeRequest   effect = "receipt"
	answerWithPlan effect = "answer with the plan"
	failWorkflow   effect = "receipt, fail the workflow"
)

// row says what an event does in some states of some kinds of requests.
type row struct {
	kinds   kind
	in      []state
	on      event
	to      state // or one of the three below
	effects []effect
}

const (
	sameState   state = "(same state)"
	itsEnd      state = "(its end)"
	itsReview   state = "(awaitingReview)"
	reviewState       = wire.StateAwaitingReview + "/"
)

var (
	releasing      = []state{releasingExpired, releasingEnded, releasingCancelled}
	awaitingReview = []state{awaitingReviewExpired, awaitingReviewEnded, awaitingReviewCancelled}
)

// table is the machine.
var table = []row{
	{anyKind, in(planning), onApprovalNeeded, awaitingApproval, do(askApprovers)},
	{grantKind, in(planning, awaitingApproval), onStartAhead, scheduled, nil},
	{anyKind, in(planning, awaitingApproval), onReady, applying, nil},
	{grantKind, in(scheduled), onReady, applying, nil},
	{anyKind, in(planning), onDryRun, endPlanned, do(answerWithPlan)},
	{anyKind, in(planning), onRefused, endRefused, do(closeRequest)},
	{anyKind, in(planning), onFailed, endFailed, do(failWorkflow)},

	{anyKind, in(awaitingApproval), onApprove, sameState, do(recordDecision)},
	{anyKind, in(awaitingApproval), onDeny, sameState, do(recordDecision)},
	{anyKind, in(awaitingApproval), onDenied, endDenied, do(closeRequest)},
	{anyKind, in(awaitingApproval), onTimedOut, endTimedOut, do(closeRequest)},
	{provisionKind | rotateKind, in(awaitingApproval), onRefused, endRefused, do(closeRequest)},

	{
		grantKind | provisionKind | rotateKind, in(planning, awaitingApproval), onCancel, endCancelled,
		do(recordStop, closeRequest),
	},
	{grantKind, in(scheduled), onCancel, endCancelled, do(recordStop, closeRequest)},
	{anyKind, in(planning, awaitingApproval), onCancelled, endCancelled, do(closeRequest)},
	{grantKind, in(scheduled), onCancelled, endCancelled, do(closeRequest)},

	{grantKind, in(applying), onInForce, active, do(startHolding)},
	{grantKind, in(applying), onPlanChanged, planning, do(planAgain)},
	{grantKind, in(applying), onApplied, endGranted, do(closeRequest)},
	{revokeKind, in(applying), onApplied, endRevoked, do(closeRequest)},
	{offboardKind, in(applying), onApplied, endOffboarded, do(closeRequest)},
	{rotateKind, in(applying), onApplied, endRotated, do(closeRequest)},
	{provisionKind, in(applying, releasingCancelled), onApplied, endProvisioned, do(closeRequest)},
	{provisionKind, in(applying, releasingCancelled), onNothingMade, endCancelled, do(closeRequest)},
	{anyKind, in(applying), onRefused, endRefused, do(closeRequest)},
	{provisionKind, in(releasingCancelled), onRefused, endRefused, do(closeRequest)},
	{grantKind | provisionKind, in(applying), onCancel, releasingCancelled, do(recordStop)},
	{grantKind | provisionKind, in(applying), onCancelled, releasingCancelled, nil},

	{grantKind, in(active), onApprove, sameState, do(recordDecision)},
	{grantKind, in(active), onDeny, sameState, do(recordDecision)},
	{grantKind, in(active), onExtend, sameState, do(extendAccess)},
	{grantKind, in(active), onEnd, releasingEnded, do(recordStop)},
	{grantKind, in(active), onEndReached, releasingExpired, nil},
	{grantKind, in(active), onReviewFailed, releasingEnded, nil},
	{grantKind, in(active), onReviewPassed, makingPermanent, nil},
	{grantKind, in(active), onCancelled, releasingCancelled, nil},
	{grantKind, in(makingPermanent), onApplied, endGranted, do(closeRequest)},
	{grantKind, in(makingPermanent), onNotPermanent, releasingEnded, nil},

	{grantKind, releasing, onApprove, sameState, do(recordDecision)},
	{grantKind, releasing, onDeny, sameState, do(recordDecision)},
	{grantKind, releasing, onReleased, itsEnd, do(closeRequest)},
	{grantKind, releasing, onReviewPending, itsReview, do(announceReview)},
	{grantKind, awaitingReview, onApprove, sameState, do(recordDecision)},
	{grantKind, awaitingReview, onDeny, sameState, do(recordDecision)},
	{grantKind, awaitingReview, onReviewOver, itsEnd, do(closeRequest)},
}

func in(s ...state) []state   { return s }
func do(e ...effect) []effect { return e }

// transition is what an event does in one state.
type transition struct {
	to      state
	effects []effect
}

// next finds the transition; ok is false if the event means nothing in that state.
func next(k kind, from state, on event) (t transition, ok bool) {
	for _, r := range table {
		if r.kinds&k != 0 && r.on == on && slices.Contains(r.in, from) {
			return transition{to: r.target(from), effects: r.effects}, true
		}
	}
	return transition{}, false
}

// target is the next state of a request that is in the state from.
func (r row) target(from state) state {
	switch r.to { //nolint:exhaustive // all others stand for themselves
	case sameState:
		return from
	case itsEnd:
		return state(from.end())
	case itsReview:
		return state(reviewState + from.end())
	}
	return r.to
}

// accepts says that an event means something in that state.
func accepts(k kind, s state, e event) bool {
	_, ok := next(k, s, e)
	return ok
}

// acceptedIn lists the states on the wire, in the order of the table, in which a kind of
// request accepts an update.
func acceptedIn(k kind, update event) []string {
	var out []string
	for _, r := range table {
		if r.kinds&k == 0 || r.on != update {
			continue
		}
		for _, s := range r.in {
			if !slices.Contains(out, s.onWire()) {
				out = append(out, s.onWire())
			}
		}
	}
	return out
}

// onWire is the state that people see.
func (s state) onWire() string {
	name, _, _ := strings.Cut(string(s), "/")
	return name
}

// end is how a request in that state will end; "" if that is open.
func (s state) end() string {
	_, end, _ := strings.Cut(string(s), "/")
	return end
}

// final says that nothing comes after that state.
func (s state) final() bool {
	return !slices.ContainsFunc(table, func(r row) bool { return slices.Contains(r.in, s) })
}
