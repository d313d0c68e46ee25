package approval

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// Check says why a decision does not count, or nil. It came at cameAt, which may be long
// before [access.Decision.At], when it is taken: decisions are taken one at a time. The
// caller has stamped it with [State.Stamp], or reads it from a record.
//
// The objection [NotEligible] or [NotEscalated] can be overcome by a delegation: see
// [State.Delegators]. No other can.
func (s State) Check(d access.Decision, cameAt time.Time) *Refusal {
	if r := s.checkMoment(d, cameAt); r != nil {
		return r
	}
	for _, person := range []string{d.By, d.OnBehalfOf} {
		if r := s.checkPerson(person); r != nil {
			return r
		}
	}
	if r := s.exceedsRequest(d); r != nil {
		return r
	}
	if r := s.checkEligible(d); r != nil {
		return r
	}
	return SharedKey(d, s.Request, s.Decisions, s.MaySign)
}

// checkMoment says why nobody could decide so now.
func (s State) checkMoment(d access.Decision, cameAt time.Time) *Refusal {
	switch {
	case access.Fold(d.By) == "":
		return nameMissing()
	case d.Action != Approve && d.Action != Deny:
		return unknownAction(d.Action)
	case d.PlanHash != "" && d.PlanHash != s.Request.PlanHash:
		return otherPlan()
	case s.Verdict != "":
		return s.decidedAlready()
	case s.Step >= len(s.Steps):
		return nothingPending()
	case d.Step != s.Step:
		return s.otherStep(d)
	case s.pastDeadline(cameAt):
		return s.tooLate()
	}
	return nil
}

// checkPerson says why somebody does not decide, whatever the step asks for.
func (s State) checkPerson(person string) *Refusal {
	switch {
	case access.Fold(person) == "":
		return nil // no delegator
	case s.isRequester(person):
		return isRequester(person)
	case s.isRecipient(person):
		return isRecipient(person)
	case s.isAsker(person):
		return isAsker(person)
	}
	if d, has := HasDecided(s.Decisions, person); has {
		return hasDecided(person, d)
	}
	return nil
}

// checkEligible says why neither who decides nor their delegator is eligible.
func (s State) checkEligible(d access.Decision) *Refusal {
	own := s.checkOne(d.By, d)
	if own == nil || access.Fold(d.OnBehalfOf) == "" {
		return own
	}
	if r := s.checkOne(d.OnBehalfOf, d); r != nil {
		return r
	}
	return s.checkDelegation(d)
}

// checkOne says why a person is not eligible for a decision. A decision that says when it
// was escalated to them must say so rightly.
func (s State) checkOne(person string, d access.Decision) *Refusal {
	ok, escalatedAt := s.eligible(person, d.Action, d.At)
	tooEarly := !escalatedAt.IsZero() && !d.EscalatedAt.IsZero() &&
		(d.EscalatedAt.Before(escalatedAt) || d.At.Before(d.EscalatedAt))
	switch {
	case ok && !tooEarly:
		return nil
	case s.escalatesTo(person):
		return notEscalated(person)
	}
	return s.notEligible(person)
}

// Stamp fills in what a decision says of the approval at the time: the open step, the
// plan, when people were asked, when it came, and when it was escalated to who decides,
// or to the delegator, if they are not eligible otherwise. A plan hash that the decision
// has already stays: [State.Check] compares it.
func (s State) Stamp(d access.Decision, cameAt time.Time) access.Decision {
	d.Step, d.AskedAt, d.EscalatedAt = s.Step, s.OpenedAt, time.Time{}
	if d.PlanHash == "" {
		d.PlanHash = s.Request.PlanHash
	}
	if !cameAt.Equal(d.At) {
		d.CameAt = cameAt.UTC()
	}
	ok, escalatedAt := s.eligible(d.By, d.Action, d.At)
	if !ok && d.OnBehalfOf != "" {
		_, escalatedAt = s.eligible(d.OnBehalfOf, d.Action, d.At)
	}
	d.EscalatedAt = escalatedAt
	return d
}
