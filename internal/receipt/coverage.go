package receipt

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
)

// checkCoverage checks that the decisions covered the change when it was first written: they were
// there, nobody had denied it, and its time had come.
func (c *checker) checkCoverage() {
	const name = "first write"
	p := c.first()
	if p == nil {
		return
	}
	at, skew := began(*p), time.Duration(0)
	if at.IsZero() {
		c.fail(name, "the proof of the %s holds neither a write nor a read", p.Op)
		return
	}
	s := c.replayed(c.StartedAt)
	if last, ok := s.LastDecision(); ok && !s.Review && s.Verdict == approval.Approved && last.At.After(at) {
		if skew = last.At.Sub(at); skew <= clockSlack {
			at = last.At
		}
	}
	if startAt := s.Terms().StartAt; at.Before(startAt) && !at.Add(early).Before(startAt) {
		at = startAt
	}
	record := approval.Record{
		Plan: c.Plan, RequesterKey: c.signed.RequesterKey, AskedAt: c.StartedAt, Decisions: c.signed.Decisions,
		MaySign: c.signed.MaySign,
	}
	change := approval.Change{PlanHash: c.Plan.Hash, Holding: c.Plan.Holding(), At: at, Start: at}
	if p.Op == access.OpAcquire {
		change.End = c.approvedEnd(at)
	}
	if s.Review {
		record.AskedAt = at
		if by := at.Add(duration(c.Plan.Approval.Review.Within)); change.End.IsZero() || by.Before(change.End) {
			change.End = by
		}
	}
	coverage, refusal := record.Covers(change)
	switch {
	case refusal != nil:
		c.fail(name, "at %s, not covered by the decisions: %s", stamp(at), refusal.Text)
	case skew > 0:
		c.unsure(name, "it is %s before the last approval, as far as clocks may differ: "+
			"the order is in the ledger, see `starter ledger export`", skew)
	case coverage.NobodyAsked:
		c.ok(name, "at %s; the plan asks nobody before it", stamp(at))
	default:
		c.ok(name, "at %s, after %s", stamp(at), describe.Plural(len(coverage.Approvals), "approval"))
	}
}

// first is the proof of the first change that needs the approval of the plan; nil for none.
func (c *checker) first() *access.Proof {
	for i, p := range c.Proofs {
		if p.Op != access.OpRelease && p.Attempted() {
			return &c.Proofs[i]
		}
	}
	return nil
}

// approvedEnd is when access that begins at a time ends by its approved terms; zero for never.
func (c *checker) approvedEnd(start time.Time) time.Time {
	terms := c.terms()
	if terms.Duration == 0 {
		return time.Time{}
	}
	if !terms.StartAt.IsZero() {
		start = terms.StartAt
	}
	return start.Add(duration(terms.Duration)).UTC()
}
