package receipt

import (
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// checkEnd checks that access ended when it was approved to, or that the receipt says why it did
// not.
func (c *checker) checkEnd() {
	const name = "end"
	c.checkStop()
	p, start := c.proof(access.OpRelease), c.start()
	if p == nil || start.IsZero() {
		return
	}
	released := began(*p)
	if released.IsZero() {
		c.fail(name, "the proof of the release holds neither a write nor a read")
		return
	}
	end, of := c.endOf(start)
	switch {
	case released.Before(start):
		c.fail(name, "the release at %s comes before the role was given at %s", stamp(released), stamp(start))
	case end.IsZero() || released.Add(early).Before(end):
		result, why := c.endedEarly(released, start)
		c.note(name, result, "released at %s, %s", stamp(released), why)
	case released.After(end.Add(late)):
		c.unsure(name, "released at %s, %s after %s: why it took so long is in the ledger and the worker's log, "+
			"see `starter show %s`", stamp(released), released.Sub(end).Round(time.Second), of, c.Request)
	default:
		c.ok(name, "released at %s, and %s was %s", stamp(released), of, stamp(end))
	}
}

// checkStop checks that what the person who stopped the request sent fits how it ended.
func (c *checker) checkStop() {
	s := c.Stop
	if s == nil {
		return
	}
	known := s.Action == wire.CancelUpdate || s.Action == wire.EndUpdate
	if !known || s.At.After(c.FinishedAt.Add(clockSlack)) {
		c.fail("stop", "%q by %s at %s does not explain how the request ended", s.Action, s.By, stamp(s.At))
	}
}

// endOf is when access had to end, and by what; zero for never.
func (c *checker) endOf(start time.Time) (end time.Time, of string) {
	end, of = c.approvedEnd(start), "its approved end"
	if n := len(c.Extensions); n > 0 {
		end, of = c.Extensions[n-1].EndsAt, "its extended end"
	}
	s := c.replayed(start)
	if s.Review && s.Verdict != approval.Approved {
		if by := start.Add(duration(c.Plan.Approval.Review.Within)); end.IsZero() || by.Before(end) {
			end, of = by, "the deadline of its review"
		}
	}
	return end, of
}

// endedEarly says what explains a release before the end.
func (c *checker) endedEarly(released, start time.Time) (signing.Result, string) {
	if s := c.Stop; s != nil && c.State != wire.StateExpired && !s.At.After(released.Add(clockSlack)) {
		return signing.OK, fmt.Sprintf("%s by %s at %s", s.Action, s.By, stamp(s.At))
	}
	s := c.replayed(start)
	switch {
	case c.State == wire.StateEnded && s.Review && s.Verdict == approval.Denied:
		last, _ := s.LastDecision()
		return signing.OK, "after its review: denied by " + last.Who()
	case c.State == wire.StateEnded && s.Review && s.Verdict == approval.Approved && c.terms().Duration == 0:
		return signing.OK, "since it could not be made permanent after its review"
	case c.State == wire.StateCancelled:
		return signing.Unchecked, "and it was cancelled in Temporal, which names nobody: ask who operates the namespace"
	case slices.Contains([]string{wire.StateRefused, wire.StateFailed, wire.StateDenied, wire.StateTimedOut}, c.State):
		return signing.Unchecked, "since the request could not go on, as after a reset, and left no access behind: " +
			"look with `starter show`"
	case c.State == wire.StateEnded && c.LedgerHead == nil && c.Stop == nil:
		return signing.Unchecked, "and the receipt does not say who ended it, as those of versions up to 0.4.0: " +
			"look with `starter show`"
	}
	return signing.Failed, "before its end, and nothing in the receipt explains it"
}
