package approval

import (
	"time"

	"sentinelone-provisioner/internal/access"
)

// longestAhead is how far ahead a start may be moved.
const longestAhead = 366 * 24 * time.Hour

// exceedsRequest says that a decision would allow more than was requested and approved so
// far: approvers may shorten and start later. nil if it does not.
func (s State) exceedsRequest(d access.Decision) *Refusal {
	terms := s.Terms()
	if why := s.fixedTerms(); why != "" {
		if d.Duration != 0 || !d.StartAt.IsZero() {
			return refuse(ExceedsRequest, "%s", why)
		}
		return nil
	}
	switch {
	case d.Duration < 0:
		return refuse(ExceedsRequest, "duration is %s: it must be above 0", d.Duration)
	case terms.Duration > 0 && d.Duration > terms.Duration:
		return refuse(ExceedsRequest, "an approver may shorten it, not extend it: %s was requested", terms.Duration)
	case !d.StartAt.IsZero() && d.StartAt.Before(terms.StartAt):
		return refuse(ExceedsRequest, "an approver may let it start later, not earlier: the start requested is %s",
			stamp(terms.StartAt))
	case !d.StartAt.IsZero() && !d.StartAt.After(d.At):
		return refuse(ExceedsRequest, "startAt is past: leave it out to start at once")
	case d.StartAt.Sub(d.At) > longestAhead:
		return refuse(ExceedsRequest, "startAt is %s: that is more than %d days ahead",
			stamp(d.StartAt), longestAhead/(24*time.Hour))
	case d.Action == Approve:
		return endsBeforeStart(narrow(terms, d), d.At)
	}
	return nil
}

// fixedTerms says why there is nothing that approvers could narrow; "" if there is.
func (s State) fixedTerms() string {
	switch {
	case s.Review:
		return "a review does not change the grant: approve it as it is, deny it, or end it with `starter end`"
	case s.Request.Asker != "":
		return "an extension is decided as it is: approve it, deny it, or ask for a shorter one"
	case s.Request.NewAccount:
		return "a new account is made at once and its role is permanent: approve it as it is, or deny it"
	case s.Request.Op != access.OpGrant && s.Request.Op != access.OpAcquire:
		return "a revoke has no duration and no start that could be changed: approve it as it is, or deny it"
	}
	return ""
}

// endsBeforeStart says that a grant for a time from a named start on would end before it
// can start.
func endsBeforeStart(t access.Terms, now time.Time) *Refusal {
	end := t.StartAt.Add(time.Duration(t.Duration))
	if t.StartAt.IsZero() || t.Duration == 0 || end.After(now) {
		return nil
	}
	return refuse(ExceedsRequest, "it would end at %s, before it can start: deny it, and request it again", stamp(end))
}

// narrow is what a decision leaves of the terms.
func narrow(t access.Terms, d access.Decision) access.Terms {
	if d.Duration > 0 {
		t.Duration = d.Duration
	}
	if !d.StartAt.IsZero() {
		t.StartAt = d.StartAt
	}
	return t
}
