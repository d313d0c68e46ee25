package approval

import (
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// NotCounted is a decision of a record that does not count, and why.
type NotCounted struct {
	Decision access.Decision `json:"decision"`
	Refusal  Refusal         `json:"refusal"`
}

// Replayed is how far recorded decisions bring an approval.
type Replayed struct {
	State      State        `json:"state"`
	NotCounted []NotCounted `json:"notCounted,omitempty"`
}

// NotCountedText says why decisions on this plan do not count; "" if all do. Those on
// other plans are not mentioned: a plan that changed was put to people again.
func (r Replayed) NotCountedText() string {
	var out []string
	for _, n := range r.NotCounted {
		if n.Refusal.Reason != OtherPlan {
			out = append(out, n.Refusal.Text)
		}
	}
	return strings.Join(out, "; ")
}

// Replay takes recorded decisions through the same transitions as those that come in.
// s is the approval as it was opened: see [Of]. Its OpenedAt is when people were asked at
// the earliest, as when the request was started. Decisions that say when they were asked
// ([access.Decision.AskedAt]) make it exact; without that, and with a zero Deadline, the
// deadline is not judged. Signed in decisions and delegations must be the fingerprint
// that the caller has verified.
//
// The same plan may have been put to people several times: only the last time counts.
func Replay(s State, decisions []access.Decision) Replayed {
	out := Replayed{State: s}
	decisions = slices.Clone(decisions)
	slices.SortStableFunc(decisions, func(a, b access.Decision) int { return a.At.Compare(b.At) })
	round := lastRound(s, decisions)
	if !round.IsZero() {
		out.State = s.reopenedAt(round)
	}
	for _, d := range decisions {
		var refusal *Refusal
		if s.about(d) && !d.AskedAt.Equal(round) {
			refusal = otherRound(d)
		} else {
			out.State, refusal = out.State.replayOne(d)
		}
		if refusal != nil {
			out.NotCounted = append(out.NotCounted, NotCounted{Decision: d, Refusal: *refusal})
		}
	}
	return out
}

// about says that a decision is on the plan.
func (s State) about(d access.Decision) bool {
	return d.PlanHash == "" || d.PlanHash == s.Request.PlanHash
}

// lastRound is when people were asked about the plan for the last time, by what the
// decisions say; zero if they do not.
func lastRound(s State, decisions []access.Decision) time.Time {
	var out time.Time
	for _, d := range decisions {
		if s.about(d) && d.AskedAt.After(out) && !d.AskedAt.Before(s.OpenedAt) {
			out = d.AskedAt
		}
	}
	return out
}

// reopenedAt is the state with the times counted from another moment.
func (s State) reopenedAt(at time.Time) State {
	s.OpenedAt, s.Deadline = at.UTC(), at.UTC().Add(time.Duration(s.Within))
	return s.closedWithWindow()
}

// replayOne escalates if that was due by then, and takes a decision that counts.
func (s State) replayOne(d access.Decision) (State, *Refusal) {
	if len(s.EscalateTo) > 0 && s.escalationDue(d.At) {
		s.EscalatedAt = s.OpenedAt.Add(time.Duration(s.EscalateAfter)).UTC()
	}
	cameAt := d.At
	if !d.CameAt.IsZero() {
		cameAt = d.CameAt
	}
	if refusal := s.Check(d, cameAt); refusal != nil {
		return s, refusal
	}
	return s.Record(d), nil
}

// WhatIf takes decisions that were made on another plan or policy through this approval,
// as if the same people had said the same at the same time. Somebody who is eligible
// decides in their own name, though it was for somebody else then.
func WhatIf(s State, decisions []access.Decision) Replayed {
	out := Replayed{State: s}
	decisions = slices.Clone(decisions)
	slices.SortStableFunc(decisions, func(a, b access.Decision) int { return a.At.Compare(b.At) })
	for _, d := range decisions {
		d.Step, d.PlanHash, d.EscalatedAt = out.State.Step, s.Request.PlanHash, time.Time{}
		if len(s.EscalateTo) > 0 && out.State.escalationDue(d.At) {
			out.State.EscalatedAt = s.OpenedAt.Add(time.Duration(s.EscalateAfter)).UTC()
		}
		if ok, _ := out.State.eligible(d.By, d.Action, d.At); ok {
			d.OnBehalfOf, d.Delegation = "", nil
		}
		var refusal *Refusal
		if out.State, refusal = out.State.replayOne(d); refusal != nil {
			out.NotCounted = append(out.NotCounted, NotCounted{Decision: d, Refusal: *refusal})
		}
	}
	return out
}
