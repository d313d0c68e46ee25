package authority

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// DueReason is why access that a request gave must be gone.
type DueReason string

// The reasons.
const (
	DueEnd    DueReason = "end"          // its approved time is over
	DueReview DueReason = "review"       // nobody has reviewed it in time
	DueDenied DueReason = "reviewDenied" // its reviewers have denied it
	DueStop   DueReason = "stopped"      // somebody has ended or cancelled it
	DueClosed DueReason = "closed"       // its request has ended, or a change of it was cancelled
)

// Claim is what the ledger says of the access that one run of a request has given, or may have
// given: a write without a proof counts as given.
type Claim struct {
	// Permanent access has no end. It is due only where its request was stopped before it was proven.
	Permanent bool
	// Proven says that a read has shown the access, after a write or before one was needed.
	Proven bool
	// Released says that the ledger holds the proof of its release.
	Released bool
	// Began is the time of the first write, by the worker's clock.
	Began time.Time
	// Due is when the access must be gone, with approved extensions, and the review's deadline
	// while it is not reviewed; zero for never.
	Due time.Time
	Why DueReason // "" where Due is zero
	// Doubt is why Due may be too early, such as a file of signers that cannot be read; nil
	// otherwise. It is then the end without extensions: a check that fails holds up no end.
	Doubt error
}

// Claim finds out what access the run has given, and when it must be gone; false if it gave none
// that is on record. The times are those of the ledger: the same record gives the same claim,
// whenever it is read.
func (j Judge) Claim(ctx context.Context, r Record) (c Claim, found bool) {
	_, given := r.Given()
	c = Claim{Proven: given, Released: r.released(), Began: r.startedAt()}
	if c.Began.IsZero() {
		c.Began = r.sentAt()
	}
	if c.Began.IsZero() {
		return Claim{}, false
	}
	grant, settled := r.proofOf(access.OpGrant)
	c.Permanent = settled && grant.Granted() ||
		r.Plan.Plan.Op == access.OpGrant && r.Plan.Plan.Approval.Review == nil && !r.acquires()
	if c.Permanent && r.Receipt != nil && r.Receipt.State == doneAs[access.OpGrant] {
		return c, true // nothing stops it any more: a revoke removes it
	}
	closes := !given || !j.signaturesRequired(r) // else neither is a reason for a release: see releaseFor
	if r.Receipt != nil && closes {
		c.dueAt(r.Receipt.FinishedAt, DueClosed)
	}
	if r.Cancelled && (closes || c.Permanent) {
		c.dueAt(c.Began, DueClosed)
	}
	switch stop, found, err := j.stopped(r); {
	case err != nil:
		c.Doubt = err
	case found && stop.At.IsZero():
		c.dueAt(c.Began, DueStop)
	case found:
		c.dueAt(stop.At, DueStop)
	}
	if !c.Permanent {
		j.leaseDue(ctx, r, &c)
	}
	return c, true
}

// acquires says that the run has a lease, or may have one: of a request for a permanent role, one whose end an approver
// has set.
func (r Record) acquires() bool {
	_, proven := r.proofOf(access.OpAcquire)
	return proven || len(r.Writes[access.ChangeKey(r.Run.String(), access.OpAcquire)]) > 0
}

// sentAt is when the first write was sent that may have given the access.
func (r Record) sentAt() time.Time {
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		for _, w := range r.Writes[access.ChangeKey(r.Run.String(), op)] {
			if !w.Refused {
				return w.At
			}
		}
	}
	return time.Time{}
}

// leaseDue adds the end of a lease, and of the time to review it.
func (j Judge) leaseDue(ctx context.Context, r Record, c *Claim) {
	end, why, err := j.leaseEndWhy(ctx, r, c.Began)
	if err != nil {
		c.Doubt = err
		end, why = plannedEnd(r, c.Began)
	}
	c.dueAt(end, why)
}

// leaseEndWhy is [Judge.LeaseEnd] and the time of a denied review, whichever comes first.
func (j Judge) leaseEndWhy(
	ctx context.Context, r Record, started time.Time,
) (end time.Time, why DueReason, err error) {
	people, err := j.people(ctx, r)
	if err != nil {
		return time.Time{}, "", err
	}
	end, err = j.extended(ctx, r, people.leaseEnd(r, started))
	if err != nil || r.Plan.Plan.Approval.Review == nil {
		return end, DueEnd, err
	}
	s := approval.Replay(approval.Of(r.Plan.Plan, started), people.decisions).State
	if last, decided := s.LastDecision(); decided && s.Verdict == approval.Denied {
		return last.At, DueDenied, nil
	}
	if s.Verdict == "" && !end.Equal(people.accessEnd(r, started)) {
		return end, DueReview, nil
	}
	return end, DueEnd, nil
}

// plannedEnd is the end by the plan alone, as approvers can only have shortened it.
func plannedEnd(r Record, began time.Time) (time.Time, DueReason) {
	var c Claim
	if terms := r.shortest(); terms.Duration > 0 {
		if terms.StartAt.After(began) {
			began = terms.StartAt
		}
		c.dueAt(began.Add(time.Duration(terms.Duration)), DueEnd)
	}
	if review := r.Plan.Plan.Approval.Review; review != nil {
		c.dueAt(began.Add(time.Duration(review.Within)), DueReview)
	}
	return c.Due, c.Why
}

// shortest are the terms of the plan, and of a request for a permanent role the shortest duration that somebody has
// approved, whether the signature can be verified or not: a check that fails holds up no end.
func (r Record) shortest() access.Terms {
	terms := r.Plan.Plan.Terms
	for _, d := range r.Decisions {
		given := d.Decision.Decision.Duration
		narrower := terms.Duration == 0 || given < terms.Duration
		if r.Plan.Plan.Op == access.OpGrant && d.Refusal == "" && given > 0 && narrower {
			terms.Duration = given
		}
	}
	return terms
}

// dueAt makes the claim due at that time, unless it is due before.
func (c *Claim) dueAt(t time.Time, why DueReason) {
	if !t.IsZero() && (c.Due.IsZero() || t.Before(c.Due)) {
		c.Due, c.Why = t.UTC(), why
	}
}
