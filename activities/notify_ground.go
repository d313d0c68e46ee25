package activities

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// ground is what the ledger has for an event about a request.
type ground struct {
	entry    int64 // that the event is about
	number   int64 // among the events of the type about this entry
	at       time.Time
	state    string
	outcome  access.Outcome
	endsAt   time.Time
	decision *access.Decision
	approval *approval.State // that people are to decide on
	// extension is what is asked for; nil for the request itself.
	extension *access.ExtensionRequest
	ended     bool   // the requester is told, in place of the approvers
	why       string // it was not authorized
}

// groundOf finds what the ledger has for an event, or says that it has nothing: see
// [noGroundError]. It does not depend on what happened after the event, so that an event
// reads the same at each attempt.
func (f recordedFacts) groundOf(e wire.Event, now time.Time) (ground, error) {
	if len(f.requests) == 0 {
		return ground{}, noGround("the ledger has no such request and run")
	}
	switch e.Type {
	case wire.EventRequested:
		return f.requested(e)
	case wire.EventReminder, wire.EventEscalated:
		return f.reminded(e, now)
	case wire.EventDecided:
		return f.decided(e)
	case wire.EventApplied:
		return f.applied(e)
	case wire.EventAboutToExpire:
		return f.aboutToExpire(e, now)
	case wire.EventReleased:
		return f.released(e)
	case wire.EventOverdue:
		return f.overdueReleased(e)
	}
	return ground{}, noGround("events of this type are not known")
}

func (f recordedFacts) requested(e wire.Event) (ground, error) {
	q, err := f.question(e.Entry)
	if err != nil {
		return ground{}, err
	}
	state := f.answered(q, func(recorded[ledger.Decision]) bool { return false })
	return ground{
		entry: q.seq, at: q.openedAt, state: pendingState(q, state), extension: q.extension, approval: &state,
	}, nil
}

// pendingState is the state in which people are asked.
func pendingState(q question, s approval.State) string {
	if s.Review || q.extension != nil {
		return wire.StateActive
	}
	return wire.StateAwaitingApproval
}

// reminded is the ground of a reminder and of an escalation. Both come at times that follow
// from the plan, so nobody can have more of them sent than are due. The time is that of the
// ledger, which is a little before that of the workflow.
func (f recordedFacts) reminded(e wire.Event, now time.Time) (ground, error) {
	q, err := f.question(e.Entry)
	if err != nil {
		return ground{}, err
	}
	due, err := dueAfter(e, q.open(q.openedAt), now.Sub(q.openedAt))
	if err != nil {
		return ground{}, err
	}
	at := q.openedAt.Add(due)
	for _, r := range f.receipts {
		if !r.at.After(at) {
			return ground{}, noGround("the request has ended before")
		}
	}
	for _, later := range f.requests {
		if later.seq > q.seq && !later.at.After(at) {
			return ground{}, noGround("the request was planned again before")
		}
	}
	state := f.answered(q, func(d recorded[ledger.Decision]) bool { return !d.at.After(at) })
	if state.Verdict != "" {
		return ground{}, noGround("the request was decided before")
	}
	if e.Type == wire.EventEscalated {
		state.EscalatedAt = at
	}
	return ground{
		entry: q.seq, number: due.Milliseconds(), at: at, state: pendingState(q, state), extension: q.extension,
		approval: &state,
	}, nil
}

// dueAfter is how long after people were asked the event is due: the latest that is due by
// now, or the one that the event numbers.
func dueAfter(e wire.Event, s approval.State, passed time.Duration) (time.Duration, error) {
	wanted := time.Duration(e.Number) * time.Millisecond
	var due time.Duration
	consider := func(t time.Duration) {
		if t > due && t <= passed && (e.Number == 0 || t == wanted) {
			due = t
		}
	}
	if e.Type == wire.EventEscalated {
		if len(s.EscalateTo) > 0 {
			consider(time.Duration(s.EscalateAfter))
		}
	} else {
		if every := time.Duration(s.RemindEvery); every > 0 {
			consider(passed.Truncate(every))
			if wanted > 0 {
				consider(wanted.Truncate(every))
			}
		}
		if s.LastReminder > 0 {
			consider(time.Duration(s.Within - s.LastReminder))
		}
	}
	if due == 0 || due >= time.Duration(s.Within) {
		return 0, noGround("by the plan, it is not due")
	}
	return due, nil
}

// decided is about a decision, or about the end of a request of which nothing was applied.
func (f recordedFacts) decided(e wire.Event) (ground, error) {
	if r, ok := find(f.receipts, e.Entry); ok {
		return f.closed(r, ""), nil
	}
	d, ok := find(f.decisions, e.Entry)
	if !ok {
		return ground{}, noGround("the ledger has no such decision that counts, and no receipt")
	}
	q, err := f.questionOf(d)
	if err != nil {
		return ground{}, err
	}
	state := f.answered(q, func(other recorded[ledger.Decision]) bool { return other.seq <= d.seq })
	last, ok := state.LastDecision()
	if !ok || last.By != d.body.Decision.By || !last.At.Equal(d.body.Decision.At) {
		return ground{}, noGround("the decision does not count for the plan")
	}
	return ground{
		entry: d.seq, at: d.at, state: pendingState(q, state), decision: &d.body.Decision, extension: q.extension,
		approval: &state,
	}, nil
}

// closed is about the receipt. The outcome is that of the proofs in the ledger.
func (f recordedFacts) closed(r recorded[ledger.Receipt], outcome access.Outcome) ground {
	return ground{entry: r.seq, at: r.at, state: r.body.Receipt.State, outcome: outcome, ended: true}
}

func (f recordedFacts) applied(e wire.Event) (ground, error) {
	var given []recorded[ledger.Proof]
	for _, p := range f.proofs {
		if p.body.Proof.Granted() && p.body.Proof.Op != access.OpRelease || p.body.Proof.Outcome == access.Created ||
			p.body.Proof.Outcome == access.Rotated {
			given = append(given, p)
		}
	}
	p, ok := find(given, e.Entry)
	if !ok {
		return ground{}, noGround("the ledger has no such proof of access that was given")
	}
	out := ground{entry: p.seq, at: p.at, state: wire.StateActive, ended: true}
	if p.body.Proof.Op == access.OpAcquire {
		out.endsAt = f.endOf(p)
		return out, nil
	}
	out.state, out.outcome = wire.StateGranted, p.body.Proof.Outcome
	switch p.body.Proof.Op {
	case access.OpCreate:
		out.state = wire.StateProvisioned
	case access.OpRotate:
		out.state = wire.StateRotated
	case access.OpReset, access.OpDelete:
		out.state = wire.StateOffboarded
	case access.OpRevoke:
		out.state = wire.StateRevoked
	case access.OpGrant, access.OpAcquire, access.OpRelease:
	}
	return out, nil
}

// endOf is when the access of a proof ends; zero if it is permanent.
func (f recordedFacts) endOf(p recorded[ledger.Proof]) time.Time {
	if roles := p.body.Roles; roles != nil {
		if l, ok := roles.Next.Lease(f.run.String()); ok && !l.End.IsZero() {
			return l.End
		}
	}
	plan, ok := f.planAt(p.seq)
	if !ok || plan.body.Plan.Terms.Duration == 0 {
		return time.Time{}
	}
	terms := plan.body.Plan.Terms
	if q, err := f.ofPlan(plan); err == nil {
		terms = f.answered(q, func(d recorded[ledger.Decision]) bool { return d.seq < p.seq }).Terms()
	}
	start := p.at
	if terms.StartAt.After(start) {
		start = terms.StartAt
	}
	return start.Add(time.Duration(terms.Duration)).UTC()
}

// clockSkew is how far the worker's clock may be behind Temporal's.
const clockSkew = time.Minute

// aboutToExpire is about the entry that sets the end: the proof of the lease or an extension.
func (f recordedFacts) aboutToExpire(e wire.Event, now time.Time) (ground, error) {
	var last ground
	for _, p := range f.proofs {
		if p.body.Proof.Op == access.OpAcquire && p.body.Proof.Granted() && (e.Entry == 0 || e.Entry == p.seq) {
			last = ground{entry: p.seq, at: p.at, endsAt: f.endOf(p)}
		}
	}
	for _, x := range f.extensions {
		if e.Entry == x.seq || e.Entry == 0 && !x.body.Extension.EndsAt.Before(last.endsAt) {
			last = ground{entry: x.seq, at: x.at, endsAt: x.body.Extension.EndsAt}
		}
	}
	if last.endsAt.IsZero() {
		return ground{}, noGround("the ledger has no such lease with an end")
	}
	warnAt := last.endsAt.Add(-warnBefore(last.endsAt.Sub(last.at)))
	if now.Add(clockSkew).Before(warnAt) {
		return ground{}, noGround("it is too early for a warning")
	}
	for _, p := range f.proofs {
		if p.body.Proof.Op == access.OpRelease && p.at.Before(warnAt) {
			return ground{}, noGround("it was released before")
		}
	}
	for _, x := range f.extensions {
		if x.seq > last.entry && x.at.Before(warnAt) {
			return ground{}, noGround("it was extended before")
		}
	}
	last.at, last.state, last.ended = warnAt, wire.StateActive, true
	return last, nil
}

// warnBefore is how long before its end a grant of that length is announced to end, at the
// earliest: as the workflow does.
func warnBefore(length time.Duration) time.Duration { return min(length/8, 24*time.Hour) }

// released is about the receipt, or about the proof where the receipt is still to come.
func (f recordedFacts) released(e wire.Event) (ground, error) {
	p, ok := find(f.proofs, 0)
	refused, found := find(f.unauthorized, 0)
	if !ok && !found {
		return ground{}, noGround("the ledger has no proof of a change")
	}
	if r, closed := find(f.receipts, e.Entry); closed {
		if refused.seq > p.seq {
			out := f.closed(r, access.Unauthorized)
			out.why = refused.body.Text
			return out, nil
		}
		return f.closed(r, p.body.Proof.Outcome), nil
	}
	p, ok = find(f.proofs, e.Entry)
	if !ok || p.body.Proof.Op != access.OpRelease {
		return ground{}, noGround("the ledger has no such receipt, and no such proof of a release")
	}
	return ground{
		entry: p.seq, at: p.at, state: wire.StateAwaitingReview, outcome: p.body.Proof.Outcome, ended: true,
	}, nil
}

// overdueReleased is about the proof of a release that the system made by itself.
func (f recordedFacts) overdueReleased(e wire.Event) (ground, error) {
	for _, p := range f.proofs {
		if p.body.Proof.Op == access.OpRelease && len(f.overdue) > 0 && (e.Entry == 0 || e.Entry == p.seq) {
			return ground{
				entry: p.seq, at: p.at, state: wire.StateReleasing, outcome: p.body.Proof.Outcome, ended: true,
				endsAt: f.overdue[0].body.Due.UTC(),
			}, nil
		}
	}
	return ground{}, noGround("the ledger has no release by the system")
}
