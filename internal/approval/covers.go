package approval

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Record is what is on record about one request, to judge whether a change that it led to
// is covered. The caller has checked all signatures, and that the record is complete.
type Record struct {
	Plan access.Plan
	// RequesterKey is the fingerprint of the key that signed the request; "" if nobody did.
	RequesterKey string
	// AskedAt is when people were asked at the earliest. For break-glass it is when the
	// access was given: the time to review it counts from then.
	AskedAt time.Time
	// Decisions are those that counted when they were taken, on all plans of the request, and
	// denials that did not too. Signed must be the verified fingerprint.
	Decisions []access.Decision
	// MaySign tells whose a key is: see [SharedKey]; nil where names are claims.
	MaySign MaySign
}

// Change is the write to check: the access that it grants.
type Change struct {
	PlanHash string // of the plan that the change carries out
	Holding  access.Holding
	At       time.Time // of the write
	Start    time.Time // of the access: of the first write in the ledger; of this one if there is none
	End      time.Time // of the access; zero for permanent
}

// Coverage is what a change that is covered rests on.
type Coverage struct {
	// NobodyAsked says that the plan asks nobody: whether the policy says so is the caller's
	// to decide again.
	NobodyAsked bool
	// Until is when the coverage ends: by the approved duration, or at the deadline of a
	// review; zero for never.
	Until     time.Time
	Approvals []access.Decision
}

// Covers says whether the decisions on record cover a change, and why not. A denial on
// the plan by anybody is enough for a no, whether they were eligible or not.
func (r Record) Covers(c Change) (Coverage, *Refusal) {
	if refusal := r.checkChange(c); refusal != nil {
		return Coverage{}, refusal
	}
	opened := Of(r.Plan, r.AskedAt)
	opened.Request.Key, opened.MaySign = r.RequesterKey, r.MaySign
	if !opened.Review {
		opened.Deadline = time.Time{} // only decisions say when people were asked exactly
	}
	replayed := Replay(opened, r.decidedBy(c.At))
	s := replayed.State
	switch {
	case s.Verdict == Approved:
		if refusal := s.tooOld(r.Plan.Approval.ValidFor, c); refusal != nil {
			return Coverage{}, refusal
		}
		return s.coverage(c)
	case s.Review && c.At.Before(opened.Deadline) && within(c.End, opened.Deadline):
		return Coverage{NobodyAsked: true, Until: opened.Deadline}, nil
	case s.Review:
		return Coverage{}, notReviewed(opened)
	}
	return Coverage{}, notApproved(replayed)
}

// checkChange says why a change is not covered, regardless of who approved.
func (r Record) checkChange(c Change) *Refusal {
	a := r.Plan.Approval
	switch {
	case c.PlanHash != r.Plan.Hash:
		return otherPlan()
	case !slices.Contains(r.Plan.Holdings(), c.Holding):
		return refuse(OtherChange, "the change is about another role or scope than the plan")
	case r.Plan.Refusal != "":
		return planRefused(r.Plan.Refusal)
	case a.Refusal != "":
		return planRefused(a.Refusal)
	case a.Required && len(a.Steps) == 0 && a.Review == nil:
		return noSteps()
	}
	for _, d := range r.Decisions {
		if d.Action == Deny && (d.PlanHash == "" || d.PlanHash == r.Plan.Hash) && !d.At.After(c.At) {
			return wasDenied(d)
		}
	}
	return nil
}

// decidedBy are the decisions that were taken by that time.
func (r Record) decidedBy(at time.Time) []access.Decision {
	var out []access.Decision
	for _, d := range r.Decisions {
		if !d.At.After(at) {
			out = append(out, d)
		}
	}
	return out
}

// coverage holds the times of a change against the terms as approvers have narrowed them.
func (s State) coverage(c Change) (Coverage, *Refusal) {
	t := s.Terms()
	out := Coverage{Approvals: s.Decisions, NobodyAsked: len(s.Steps) == 0}
	if !t.StartAt.IsZero() && (c.At.Before(t.StartAt) || c.Start.Before(t.StartAt)) {
		return Coverage{}, beforeStart(t)
	}
	if t.Duration == 0 {
		return out, nil
	}
	from := c.Start
	if !t.StartAt.IsZero() {
		from = t.StartAt
	}
	out.Until = from.Add(time.Duration(t.Duration)).UTC()
	switch {
	case c.End.IsZero():
		return Coverage{}, notPermanent(t)
	case c.End.After(out.Until) || !c.At.Before(out.Until):
		return Coverage{}, refuse(BeyondEnd, "it is approved until %s, not longer", stamp(out.Until))
	}
	return out, nil
}

// tooOld says that the change was first written later than an approval stands. The time
// counts from the last approval, which completed the verdict.
func (s State) tooOld(validFor access.Duration, c Change) *Refusal {
	last, ok := s.LastDecision()
	if validFor <= 0 || !ok || s.Review { // a review comes after the first write
		return nil
	}
	if !c.Start.After(last.At.Add(time.Duration(validFor))) {
		return nil
	}
	return approvalTooOld(last, validFor)
}

// within says that access ends by a deadline; permanent access does not.
func within(end, deadline time.Time) bool { return !end.IsZero() && !end.After(deadline) }
