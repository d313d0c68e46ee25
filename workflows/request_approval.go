package workflows

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// maxRefusals bounds how many decisions that do not count a request records.
const maxRefusals = 500

// askApprovers tells those who are to decide, and watches over their time.
func (m *machine) askApprovers(ctx workflow.Context) {
	m.announce(ctx, wire.EventRequested)
	open, _ := workflow.NewDisconnectedContext(ctx) // a review continues when the run is cancelled
	workflow.Go(open, m.watchApproval)
}

// awaitApproval waits for the verdict.
func (m *machine) awaitApproval(ctx workflow.Context) (event, error) {
	err := workflow.Await(ctx, func() bool { return m.approval.Verdict != "" || m.stop != nil })
	switch {
	case (err != nil || m.stop != nil) && m.deniedBefore(ctx):
		return onDenied, nil
	case err != nil:
		return "", err
	case m.stop != nil:
		return m.stop.on, nil
	case m.approval.Verdict == approval.Denied:
		return onDenied, nil
	case m.approval.Verdict == approval.TimedOut:
		return onTimedOut, nil
	case m.tokenEnded(workflow.Now(ctx)), m.rotationOver(workflow.Now(ctx)):
		return onRefused, nil
	}
	return m.proceed(ctx), nil
}

// deniedBefore says that somebody denied the request before it was cancelled. It waits for decisions that came before
// and are being recorded.
func (m *machine) deniedBefore(ctx workflow.Context) bool {
	stopped := workflow.Now(ctx)
	if m.stop != nil {
		stopped = m.stop.At
	}
	recorded := func() bool {
		return !slices.ContainsFunc(m.inFlight, func(came time.Time) bool { return !came.After(stopped) })
	}
	if recorded() && m.approval.Verdict != approval.Denied || !since(ctx, denialsStand) {
		return false
	}
	open, end := workflow.NewDisconnectedContext(ctx)
	defer end()
	if err := workflow.Await(open, recorded); err != nil || m.approval.Verdict != approval.Denied {
		return false
	}
	last, _ := m.approval.LastDecision()
	came := last.At
	if !last.CameAt.IsZero() {
		came = last.CameAt
	}
	return !came.After(stopped)
}

// watchApproval does what is due while nobody decides: it reminds, escalates and ends the
// time to decide.
func (m *machine) watchApproval(ctx workflow.Context) {
	round := m.spec.Round
	over := func() bool {
		return m.approval.Verdict != "" || m.spec.Round != round || !accepts(m.kind, m.at, onApprove)
	}
	for !over() {
		due := m.approval.NextTimer(workflow.Now(ctx))
		early, err := awaitUntil(ctx, due, "time to decide", over)
		if err == nil && !early {
			err = m.onTimer(ctx, &m.approval, over, m.announce)
		}
		if err != nil {
			return // nothing cancels this context
		}
	}
	m.extendToFullTerm(ctx)
}

// onTimer has the approval do what is due; tell announces it. It waits for a decision that is being
// recorded: that one came in time.
func (m *machine) onTimer(
	ctx workflow.Context, pending *approval.State, over func() bool, tell func(workflow.Context, string),
) error {
	if err := m.deciding.Lock(ctx); err != nil {
		return err
	}
	defer m.deciding.Unlock()
	if over() {
		return nil
	}
	var told approval.Event
	*pending, told = pending.OnTimer(workflow.Now(ctx))
	switch told {
	case approval.EventEscalated:
		tell(ctx, wire.EventEscalated)
	case approval.EventReminder:
		tell(ctx, wire.EventReminder)
	case approval.EventTimedOut, approval.EventNone: // the end of what was asked for says so
	}
	m.show(ctx)
	return nil
}

// decide takes one person's decision. It answers when that is recorded, not when the
// access is in place. A decision that does not count is recorded too, since Temporal
// forgets it.
func (m *machine) decide(ctx workflow.Context, action string, in wire.DecisionInput) (access.Decision, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	about, cameAt := m.subjectOf(in.PlanHash), workflow.Now(ctx)
	m.inFlight = append(m.inFlight, cameAt)
	defer func() {
		i := slices.Index(m.inFlight, cameAt)
		m.inFlight = slices.Delete(m.inFlight, i, i+1)
	}()
	if err := m.deciding.Lock(open); err != nil {
		return access.Decision{}, err
	}
	defer m.deciding.Unlock()
	d := about.approval.Stamp(access.Decision{
		At: workflow.Now(ctx).UTC(), By: strings.TrimSpace(in.By), Action: action, Comment: in.Comment,
		Duration: in.Duration, StartAt: in.StartAt, Signature: in.Signature,
		SignedAt: in.SignedAt, PlanHash: cmp.Or(in.PlanHash, about.hash),
	}, cameAt)
	refusal := about.refuse(d, cameAt)
	out, err := call[wire.DecideResult](shortCall(open, action), wire.DecideActivity, wire.DecideInput{
		Request: m.info, Decision: d, Number: len(m.counted) + m.onExtended + m.refusals,
		Refusal: refusal.Sentence(), SoD: m.sodCheck(action), Delegators: delegators(*about.approval, action, refusal),
	})
	if err != nil {
		m.refusals++ // its number may be in the ledger, and is not used again
		return access.Decision{}, err
	}
	if out.Refusal != "" {
		m.refusals++
		return access.Decision{}, refused(out.Refusal)
	}
	d.Signed, d.OnBehalfOf, d.Delegation = out.Signed, out.OnBehalfOf, out.Delegation
	d = about.approval.Stamp(d, cameAt) // it may have been escalated to the delegator
	*about.approval = about.approval.Record(d)
	if about.extension != nil {
		m.onExtended++
	} else {
		m.counted = append(m.counted, d)
	}
	m.announceEntry(ctx, wire.EventDecided, out.Entry)
	if !m.at.final() {
		m.show(ctx)
	}
	return d, nil
}

// subject is what a decision is about: the plan, or an extension.
type subject struct {
	approval  *approval.State
	hash      string           // that was pending when the decision came
	extension *openedExtension // nil: the plan
	refuse    func(d access.Decision, cameAt time.Time) *approval.Refusal
}

// subjectOf is what a decision is about that names that hash. One that names none is about
// what is open, which must be one thing.
func (m *machine) subjectOf(hash string) subject {
	seen, x := m.planHash(), m.extension
	plan := subject{
		approval: &m.approval, hash: seen,
		refuse: func(d access.Decision, cameAt time.Time) *approval.Refusal {
			return m.refuseDecision(d, seen, cameAt)
		},
	}
	reviewed := m.approval.Verdict == "" && len(m.approval.Steps) > 0
	switch {
	case x == nil || hash != "" && hash != x.asked.Hash || hash == "" && !m.extensionPending():
		return plan
	case hash == "" && reviewed:
		plan.refuse = func(access.Decision, time.Time) *approval.Refusal {
			return approval.Ambiguous(seen, x.asked.Hash)
		}
		return plan
	}
	return subject{
		approval: &x.approval, hash: x.asked.Hash, extension: x,
		refuse: func(d access.Decision, cameAt time.Time) *approval.Refusal {
			if x.approval.Verdict == "" && m.at != active {
				return approval.ExtensionOver(m.at.onWire())
			}
			return x.approval.Check(d, cameAt)
		},
	}
}

// planHash is of the plan that people decide on; "" before there is one.
func (m *machine) planHash() string {
	if m.plan == nil {
		return ""
	}
	return m.plan.Hash
}

// refuseDecision says why a decision does not count, or nil. People who name no plan
// decide on the one that was pending when their decision came: seen is its hash. It may have
// been replaced while the decision waited for its turn.
func (m *machine) refuseDecision(d access.Decision, seen string, cameAt time.Time) *approval.Refusal {
	if m.approval.Verdict == "" && !accepts(m.kind, m.at, event(d.Action)) {
		if m.plan == nil {
			return approval.NotPlanned(m.at.onWire(), m.wait)
		}
		return approval.NothingToDecide(m.at.onWire(), m.wait)
	}
	switch {
	case seen == m.planHash():
	case seen == "": // it came before there was a plan to decide on
		return approval.NotPlanned(wire.StatePlanning, "")
	default:
		d.PlanHash = seen
	}
	return m.approval.Check(d, cameAt)
}

// delegators are those in whose place a decision might count that does not count by itself.
func delegators(s approval.State, action string, why *approval.Refusal) []string {
	if why == nil || why.Reason != approval.NotEligible && why.Reason != approval.NotEscalated {
		return nil
	}
	return s.Delegators(action)
}

// sodCheck is what a decision is checked against: an approval against separation of duties.
func (m *machine) sodCheck(action string) *wire.SoDCheck {
	if action != approval.Approve || m.plan == nil {
		return nil
	}
	return sodCheck(*m.plan)
}
