package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// handle installs the query, and the updates that the table has for this kind of request.
func (m *machine) handle(ctx workflow.Context) error {
	faults := []error{workflow.SetQueryHandler(ctx, wire.StatusQuery, m.answer)}
	for _, u := range updates {
		if len(acceptedIn(m.kind, u)) > 0 {
			faults = append(faults, m.handleUpdate(ctx, u))
		}
	}
	return errors.Join(faults...)
}

func (m *machine) handleUpdate(ctx workflow.Context, u event) error {
	set := func(handler, validator any, about string) error {
		return workflow.SetUpdateHandlerWithOptions(ctx, string(u), handler,
			workflow.UpdateHandlerOptions{Validator: validator, Description: about})
	}
	switch u {
	case onApprove:
		return set(m.decisionHandler(u), m.maySendDecision, "approve the plan")
	case onDeny:
		return set(m.decisionHandler(u), m.maySendDecision, "deny the request")
	case onExtend:
		return set(m.extend, m.mayAskToExtend, "ask for a later end of time-bound access that is in force")
	case onEnd:
		return set(m.stopHandler(u), m.mayStop(u), "release access that is in force now")
	default:
		return set(m.stopHandler(u), m.mayStop(u), "cancel the request before it is applied")
	}
}

func (m *machine) decisionHandler(u event) func(workflow.Context, wire.DecisionInput) (access.Decision, error) {
	return func(ctx workflow.Context, in wire.DecisionInput) (access.Decision, error) {
		return m.decide(ctx, string(u), in)
	}
}

// mayDecide turns away what would only make the history grow. What else does not count is
// recorded: see [machine.decide].
func (m *machine) mayDecide(in wire.DecisionInput) error {
	switch {
	case access.Fold(in.By) == "":
		return refused(`"by" is missing: say who decides, as in {"by":"carol@example.com"}`)
	case m.refusals >= maxRefusals:
		return refused(fmt.Sprintf("%d decisions did not count, which is the limit: start a new request", m.refusals))
	}
	return nil
}

// maySendDecision turns away what breaks a limit besides.
func (m *machine) maySendDecision(ctx workflow.Context, in wire.DecisionInput) error {
	if err := m.mayDecide(in); err != nil {
		return err
	}
	return mayAdd(ctx, in)
}

// mayUpdate says why an update is refused: nobody sent it, or the state does not accept it.
func (m *machine) mayUpdate(u event, by string, now time.Time) error {
	if blank(by) {
		return refused(fmt.Sprintf(`"by" is missing: say who wants to %s it, as in {"by":"ana@example.com"}`, u))
	}
	if s := m.stop; s != nil {
		return refused(fmt.Sprintf("cannot %s: %s has %s it already", u, s.By, pastStop(s.on)))
	}
	if at := m.upcoming(now); !accepts(m.kind, at, u) {
		return refused(m.refusalOf(u, at))
	}
	return nil
}

func pastStop(on event) string {
	if on == onEnd {
		return "ended"
	}
	return "cancelled"
}

// upcoming is the state that the request is about to be in: what has happened by now may
// not have had its turn yet.
func (m *machine) upcoming(now time.Time) state {
	if m.at != active {
		return m.at
	}
	if t, ok := next(m.kind, m.at, m.due(now)); ok {
		return t.to
	}
	return m.at
}

// refusalOf says why a state does not accept an update, which do, and what to use instead.
func (m *machine) refusalOf(u event, at state) string {
	text := fmt.Sprintf("cannot %s: the state is %s", u, at.onWire())
	if at == m.at && m.wait != "" {
		text += ", waiting " + m.wait
	}
	text += fmt.Sprintf("; %s is accepted in %s", u, strings.Join(acceptedIn(m.kind, u), ", "))
	var others []string
	for _, other := range updates {
		if other != onApprove && other != onDeny && accepts(m.kind, at, other) {
			others = append(others, string(other))
		}
	}
	if len(others) > 0 {
		text += "; use " + strings.Join(others, " or ")
	}
	return text
}

func (m *machine) updateAnswer() wire.RequestAnswer {
	out := wire.RequestAnswer{State: m.state}
	switch {
	case m.result != nil:
		out.Outcome = m.result.Outcome
	case slices.Contains(awaitingReview, m.at):
		out.Outcome = m.proofs[len(m.proofs)-1].Outcome
	}
	if !m.endsAt.IsZero() {
		out.EndsAt = new(m.endsAt) // as it is now: it may move before the answer is sent
	}
	return out
}

func (m *machine) answer() (wire.RequestStatus, error) {
	out := m.status()
	out.Approval = m.approvalStatus(m.approval)
	if start := m.terms().StartAt; !start.IsZero() {
		out.StartsAt = &start
	}
	if !m.endsAt.IsZero() {
		out.EndsAt = &m.endsAt
	}
	if m.extensionPending() {
		out.Extension = &wire.ExtensionStatus{
			Asked: m.extension.asked, Approval: *m.approvalStatus(m.extension.approval),
		}
	}
	return out, nil
}

func (m *machine) approvalStatus(s approval.State) *wire.ApprovalStatus {
	if len(s.Steps) == 0 {
		return nil
	}
	out := &wire.ApprovalStatus{
		Step: s.Step, Steps: len(s.Steps), From: []string{}, People: []string{}, Until: s.Deadline,
		Verdict: string(s.Verdict), Review: s.Review, Decisions: append([]access.Decision{}, s.Decisions...),
		EscalatedAt: s.EscalatedAt,
	}
	if s.Step < len(s.Steps) {
		step := s.StepAt(s.Step)
		out.Need, out.Given = step.Need, step.Given
		out.From, out.People = append(out.From, step.Groups...), append(out.People, step.People...)
	}
	for _, d := range s.Delegates(m.delegations, time.Time{}) {
		out.Delegates = append(out.Delegates, wire.StepDelegate{By: d.By, To: d.To, Until: d.Until})
	}
	return out
}
