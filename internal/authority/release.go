package authority

import (
	"context"
	"errors"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/signing"
)

// early is how long before its end, by the worker's clock, a lease may be released: clocks
// differ.
const early = time.Minute

// release judges the end of what the request gave. A check that cannot be made, such as one of a file that cannot be
// read, holds up no end that has come by the record alone.
func (j Judge) release(ctx context.Context, r Record, c Change) (Verdict, error) {
	v, err := j.releaseFor(ctx, r, c)
	if err == nil {
		return v, nil
	}
	if claim, found := j.Claim(ctx, r); found && !claim.Due.IsZero() && !c.Now.Before(claim.Due) {
		return covered, nil
	}
	return v, err
}

// releaseFor finds the reason for the end of what the request gave. It needs nothing but a reason: the lease
// is over, somebody has ended or cancelled it, its review has failed, or it never began.
func (j Judge) releaseFor(ctx context.Context, r Record, c Change) (Verdict, error) {
	if !j.signaturesRequired(r) {
		return covered, nil // where names are claims, an end by anybody is as good as another
	}
	if _, found, err := j.stopped(r); err != nil || found {
		return covered, err
	}
	if _, given := r.Given(); !given {
		if r.Cancelled || len(r.Unsettled()) > 0 { // what was written and not proven may be there
			return covered, nil
		}
		return forbid(NotDue, "%s has given nothing yet that could be released: use `starter cancel`",
			r.Run.Request), nil
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
	if end.IsZero() && r.Cancelled && r.Plan.Plan.Approval.Review == nil {
		return covered, nil // its request has not ended with it, and will not: it must not leave it behind
	}
	if end.IsZero() {
		return forbid(NotDue,
			"the access of %s has no end, and nobody has ended it: use `starter end`", r.Run.Request), nil
	}
	return forbid(NotDue, "the access of %s is approved until %s, and nobody has ended it: use `starter end`",
		r.Run.Request, end.Format(time.RFC3339)), nil
}

// Over says whether the access of a request has ended, or must have: nothing may give it back
// then.
func (j Judge) Over(ctx context.Context, r Record, now time.Time) (bool, error) {
	if r.Receipt != nil || r.released() {
		return true, nil
	}
	if _, found, err := j.stopped(r); err != nil || found {
		return found, err
	}
	end, err := j.LeaseEnd(ctx, r)
	if err != nil || !end.IsZero() && !now.Before(end) {
		return err == nil, err
	}
	return j.reviewFailed(ctx, r)
}

// OverByRecord is [Judge.Over] where a check cannot be made, such as one of a file that cannot be read: by the record
// alone, and rather too early.
func (j Judge) OverByRecord(ctx context.Context, r Record, now time.Time) bool {
	claim, found := j.Claim(ctx, r)
	return r.Stopped() != nil || found && !claim.Due.IsZero() && !now.Before(claim.Due)
}

// LeaseEnd is when the access that a request gave ends, by what was approved; zero for
// never.
func (j Judge) LeaseEnd(ctx context.Context, r Record) (time.Time, error) {
	people, err := j.people(ctx, r)
	if err != nil {
		return time.Time{}, err
	}
	return j.extended(ctx, r, people.leaseEnd(r, r.startedAt()))
}

// stopped finds who has cancelled the request or ended its access, and was allowed to.
func (j Judge) stopped(r Record) (access.Stop, bool, error) {
	for _, s := range r.Stops {
		if s.Refusal != "" {
			continue
		}
		if !j.signaturesRequired(r) {
			return s.Stop.Stop, true, nil
		}
		if j.Signers == nil {
			return access.Stop{}, false, errSignersGone
		}
		_, err := j.Signers.Verify(signing.OfStop(r.Run.Request, r.Run.ID, s.Stop.Stop), s.Signature, s.At)
		if file, ok := errors.AsType[*signing.FileError](err); ok {
			return access.Stop{}, false, file
		}
		if err == nil {
			return s.Stop.Stop, true, nil
		}
	}
	return access.Stop{}, false, nil
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
