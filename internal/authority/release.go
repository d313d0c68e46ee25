package authority

import (
	"context"
	"time"

	"sentinelone-provisioner/internal/approval"
)

// early is how long before its end, by the worker's clock, a lease may be released: clocks
// differ.
const early = time.Minute

// release judges the end of what the request gave. It needs nothing but a reason: the lease
// is over, somebody has ended or cancelled it, its review has failed, or it never began.
func (j Judge) release(ctx context.Context, r Record, c Change) (Verdict, error) {
	if _, given := r.Given(); !given || !j.signaturesRequired(r) || r.Receipt != nil {
		return covered, nil // where names are claims, an end by anybody is as good as another
	}
	end, err := j.LeaseEnd(ctx, r)
	if err != nil {
		return Verdict{}, err
	}
	if !end.IsZero() && !c.Now.Add(early).Before(end) {
		return covered, nil
	}
	reviewed, err := j.reviewFailed(ctx, r)
	if err != nil || reviewed {
		return covered, err
	}
	if end.IsZero() {
		return forbid(NotDue, "the access of %s has no end, and nobody has ended it: use `starter end`", r.Run.Request), nil
	}
	return forbid(NotDue, "the access of %s is approved until %s, and nobody has ended it: use `starter end`",
		r.Run.Request, end.Format(time.RFC3339)), nil
}

// LeaseEnd is when the access that a request gave ends, by what was approved; zero for
// never.
func (j Judge) LeaseEnd(ctx context.Context, r Record) (time.Time, error) {
	people, err := j.people(ctx, r)
	if err != nil {
		return time.Time{}, err
	}
	return people.leaseEnd(r, r.startedAt()), nil
}

// reviewFailed says that a break-glass grant was denied by its reviewers, or could not be
// made permanent after they approved it.
func (j Judge) reviewFailed(ctx context.Context, r Record) (bool, error) {
	if r.Plan.Plan.Approval.Review == nil {
		return false, nil
	}
	people, err := j.people(ctx, r)
	if err != nil {
		return false, err
	}
	s := approval.Replay(approval.Of(r.Plan.Plan, r.startedAt()), people.decisions).State
	return s.Verdict == approval.Denied || s.Verdict == approval.Approved && r.Plan.Plan.Terms.Duration == 0, nil
}
