package approval

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Event is what people are told after a transition; "" for nothing.
type Event string

// The events of [State.OnTimer].
const (
	EventNone      Event = ""
	EventReminder  Event = "reminder"
	EventEscalated Event = "escalated"
	EventTimedOut  Event = "timedOut"
)

// Record takes a decision that [State.Check] has no objection to.
func (s State) Record(d access.Decision) State {
	if s.Verdict != "" || s.Step >= len(s.Steps) {
		return s
	}
	s.Decisions = append(slices.Clone(s.Decisions), d)
	switch {
	case d.Action != Approve:
		s.Verdict = Denied
	case s.given(s.Step) < s.Steps[s.Step].Need:
	case s.Step+1 < len(s.Steps):
		s.Step++
	default:
		s.Step++
		s.Verdict = Approved
	}
	return s.closedWithWindow()
}

// OnTimer does what is due when the time of [State.NextTimer] has come, and says what to
// tell people.
func (s State) OnTimer(now time.Time) (State, Event) {
	switch {
	case s.Verdict != "":
		return s, EventNone
	case s.pastDeadline(now):
		s.Verdict = TimedOut
		return s, EventTimedOut
	case s.escalationDue(now):
		before := s.namedCount()
		s.EscalatedAt = now.UTC()
		if s.namedCount() > before {
			return s, EventEscalated
		}
	}
	return s, EventReminder
}

// NextTimer is when something is due though nobody decides: a reminder, the escalation,
// the last reminder or the deadline, whichever comes first. It is zero once there is a
// verdict. It may be past: then it is due now.
func (s State) NextTimer(now time.Time) time.Time {
	if s.Verdict != "" {
		return time.Time{}
	}
	next := s.Deadline
	consider := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if every := time.Duration(s.RemindEvery); every > 0 {
		consider(now.Add(every - now.Sub(s.OpenedAt)%every).UTC())
	}
	if s.EscalateAfter > 0 && s.EscalatedAt.IsZero() {
		consider(s.OpenedAt.Add(time.Duration(s.EscalateAfter)))
	}
	if last := s.Deadline.Add(-time.Duration(s.LastReminder)); s.LastReminder > 0 && now.Before(last) {
		consider(last)
	}
	return next
}

// pastDeadline says that the time to decide is over: it ends at the deadline, not after.
func (s State) pastDeadline(now time.Time) bool {
	return !s.Deadline.IsZero() && !now.Before(s.Deadline)
}

// escalationDue says that it is time to escalate, which happens once.
func (s State) escalationDue(now time.Time) bool {
	return s.EscalateAfter > 0 && s.EscalatedAt.IsZero() &&
		!now.Before(s.OpenedAt.Add(time.Duration(s.EscalateAfter)))
}

// namedCount counts whom the open step and those after it name.
func (s State) namedCount() int {
	n := 0
	for i := s.Step; i < len(s.Steps); i++ {
		n += len(s.people(i))
	}
	return n
}
