package receipt

import (
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// checkState checks that the state follows from the proofs, and that the proofs show no more than
// the state says.
func (c *checker) checkState() {
	if n := len(c.Proofs); n > 0 && c.Outcome != c.Proofs[n-1].Outcome {
		c.fail("outcome", "the receipt says %q, and its last proof %q",
			string(c.Outcome), string(c.Proofs[n-1].Outcome))
	} else if n == 0 && c.Outcome != "" && !c.Outcome.Refused() {
		c.fail("outcome", "the receipt says %q, and it holds no proof", string(c.Outcome))
	}
	result, detail := c.judgeState()
	c.note("state", result, "%s: %s", c.State, detail)
}

func (c *checker) judgeState() (signing.Result, string) {
	switch c.State {
	case wire.StateGranted:
		return c.judgeGranted()
	case wire.StateExpired, wire.StateEnded:
		if c.given() < 0 {
			return signing.Failed, "no proof shows that the role was given"
		}
		return c.judgeReleased()
	case wire.StateRevoked:
		return c.judgeRemoved(access.OpRevoke)
	case wire.StateOffboarded:
		return c.judgeOffboarded()
	case wire.StateProvisioned:
		return c.judgeProvisioned()
	case wire.StateRotated:
		return c.judgeRotated()
	case wire.StateDenied:
		return c.judgeDenied()
	case wire.StateTimedOut:
		return c.judgeTimedOut()
	case wire.StateRefused:
		return c.judgeRefused()
	case wire.StateCancelled, wire.StateFailed:
		return c.judgeNothingLeft()
	}
	return signing.Failed, "it is no state in which a request ends"
}

func (c *checker) judgeGranted() (signing.Result, string) {
	i := c.given()
	switch {
	case i < 0:
		return signing.Failed, "no proof shows that the role was given"
	case i != len(c.Proofs)-1:
		return signing.Failed, fmt.Sprintf("a change came after the role was given: %s", c.Proofs[len(c.Proofs)-1].Op)
	case c.Proofs[i].Op != access.OpGrant:
		return signing.Failed, "the proof is of access with an end, and none shows that it ended or became permanent"
	case c.terms().Duration > 0:
		return signing.Failed, fmt.Sprintf("the role is permanent, and it was approved for %s", c.terms().Duration)
	}
	return shown(c.Proofs[i], c.Plan)
}

// shown says whether the last read of a proof shows the role of the plan.
func shown(p access.Proof, plan access.Plan) (signing.Result, string) {
	if len(p.Reads) == 0 {
		return signing.Failed, "no read shows the role"
	}
	last := p.Reads[len(p.Reads)-1]
	for _, h := range plan.Holdings() {
		if last.Gone || !last.Holds(h) {
			return signing.Failed, fmt.Sprintf("the read of %s does not show %s", stamp(last.At), h)
		}
	}
	return signing.OK, "the role was read at " + stamp(last.At)
}

// judgeReleased says whether what was given is gone, at each scope.
func (c *checker) judgeReleased() (signing.Result, string) {
	p := c.proof(access.OpRelease)
	if p == nil {
		return signing.Failed, "a proof shows that the role was given, and none that it was released"
	}
	if c.given() >= 0 && c.Proofs[len(c.Proofs)-1].Op != access.OpRelease {
		return signing.Failed, fmt.Sprintf("a change came after the release: %s", c.Proofs[len(c.Proofs)-1].Op)
	}
	return worst(c.Plan.Holdings(), func(h access.Holding) (signing.Result, string) { return c.judgeReleasedAt(*p, h) })
}

// worst judges each role, and returns the worst result with its detail.
func worst(
	roles []access.Holding, judge func(access.Holding) (signing.Result, string),
) (result signing.Result, detail string) {
	rank := map[signing.Result]int{"": 0, signing.OK: 1, signing.Unchecked: 2, signing.Failed: 3}
	for _, h := range roles {
		if r, d := judge(h); rank[r] > rank[result] {
			result, detail = r, d
		}
	}
	return result, detail
}

// outcomeAt is the outcome of a change at the scope of a role.
func outcomeAt(p access.Proof, h access.Holding) access.Outcome {
	for _, s := range p.Scopes {
		if s.ScopeID == h.ScopeID {
			return s.Outcome
		}
	}
	return p.Outcome
}

func (c *checker) judgeReleasedAt(p access.Proof, h access.Holding) (signing.Result, string) {
	switch outcomeAt(p, h) { //nolint:exhaustive // the others are no end
	case access.Released, access.Deleted:
		return absent(p, h)
	case access.StillHeld:
		if g := c.gave(); g != nil && outcomeAt(*g, h) == access.AlreadyHeld {
			return signing.OK, "the lease ended, and the principal had the role before"
		}
		return signing.Unchecked, "the lease ended, and the role stays: whether another request or the baseline " +
			"gives it is in other receipts: look with `starter requests` and `starter show`"
	case access.Superseded:
		if n := len(p.Reads); n > 0 && (p.Reads[n-1].Gone || !p.Reads[n-1].Holds(h)) {
			return signing.OK, "the role was gone already, read at " + stamp(p.Reads[n-1].At)
		}
		return signing.Unchecked, "the role was given by somebody else meanwhile and stays: look who did with " +
			"`starter requests` and in the console's activity log"
	case access.NotApplied:
		if c.given() < 0 {
			return signing.OK, "nothing had been given"
		}
	}
	return signing.Failed, fmt.Sprintf("the role was given, and its release ended %q", string(outcomeAt(p, h)))
}

// absencesNeeded is how many reads must show that something is gone.
const absencesNeeded = 2

// absent says whether two reads with a pause between them show that a role, or the principal, is
// gone.
func absent(p access.Proof, h access.Holding) (signing.Result, string) {
	whole := p.Outcome == access.Deleted || p.Op == access.OpDelete
	gone := func(r access.Read) bool { return r.Gone || !whole && !r.Holds(h) }
	n, count := len(p.Reads), 0
	for _, r := range p.Reads {
		if gone(r) {
			count++
		}
	}
	what := h.String()
	if whole {
		what = "the principal"
	}
	switch {
	case n == 0 || !gone(p.Reads[n-1]):
		return signing.Failed, fmt.Sprintf("no read at the end shows that %s is gone", what)
	case !p.Confirmed || count < absencesNeeded:
		return signing.Failed, fmt.Sprintf("the absence of %s was not read twice", what)
	}
	return signing.OK, fmt.Sprintf("%s was read as gone, %d times, at last at %s", what, count, stamp(p.Reads[n-1].At))
}

func (c *checker) judgeRemoved(op access.Op) (signing.Result, string) {
	p := c.proof(op)
	if p == nil {
		return signing.Failed, fmt.Sprintf("it holds no proof of the %s", op)
	}
	switch p.Outcome { //nolint:exhaustive // the others are no end
	case access.Removed, access.AlreadyAbsent, access.Deleted:
		return worst(c.Plan.Holdings(), func(h access.Holding) (signing.Result, string) { return absent(*p, h) })
	}
	return signing.Failed, fmt.Sprintf("the %s ended %q", op, string(p.Outcome))
}

func (c *checker) judgeOffboarded() (signing.Result, string) {
	if c.Plan.Op == access.OpDelete {
		return c.judgeRemoved(access.OpDelete)
	}
	p := c.proof(access.OpReset)
	switch {
	case p == nil:
		return signing.Failed, fmt.Sprintf("it holds no proof of the %s", c.Plan.Op)
	case p.Outcome == access.AlreadyAbsent:
		return absent(access.Proof{
			Op: access.OpDelete, Outcome: p.Outcome, Reads: p.Reads, Confirmed: p.Confirmed,
		}, c.Plan.Holding())
	case !p.Granted():
		return signing.Failed, fmt.Sprintf("the reset ended %q", string(p.Outcome))
	case len(p.Reads) == 0 || !p.Reads[len(p.Reads)-1].Holdings.Equal(only(c.Plan)):
		return signing.Failed, "no read at the end shows the baseline role alone"
	}
	return signing.OK, "the baseline role alone was read at " + stamp(p.Reads[len(p.Reads)-1].At)
}

// only is the access of a principal that has nothing but the role of the plan.
func only(plan access.Plan) access.Holdings {
	h := plan.Holding()
	return access.Holdings{Level: h.Level, Held: []access.HeldRole{{RoleID: h.RoleID, ScopeID: h.ScopeID}}}
}

func (c *checker) judgeProvisioned() (signing.Result, string) {
	p := c.proof(access.OpCreate)
	switch {
	case p == nil:
		return signing.Failed, "it holds no proof of the create"
	case p.Outcome != access.Created && p.Outcome != access.AlreadyHeld:
		return signing.Failed, fmt.Sprintf("the create ended %q", string(p.Outcome))
	}
	return shown(*p, c.Plan)
}

// judgeRotated says whether a new token was made for the service user, and put where the plan says.
func (c *checker) judgeRotated() (signing.Result, string) {
	p := c.proof(access.OpRotate)
	switch {
	case p == nil:
		return signing.Failed, "it holds no proof of the rotation"
	case p.Outcome != access.Rotated:
		return signing.Failed, fmt.Sprintf("the rotation ended %q", string(p.Outcome))
	case p.Token == nil:
		return signing.Failed, "it does not say where the token was put"
	case c.Plan.Rotation == nil || (p.Token.Sink == access.SinkRecipient) != (c.Plan.Rotation.Recipient != "") ||
		(p.Token.Sink == access.SinkOwnFile) != c.Plan.Rotation.Own:
		return signing.Failed, "the token was not put where the plan says"
	case c.Plan.Rotation.Own && (p.Made == nil || p.Made.ID == c.Plan.Principal.ID):
		return signing.Failed, "it names no service user that takes the place of the old one"
	case c.Plan.Rotation.Own && !p.After.Equal(c.Plan.Before):
		return signing.Failed, "the service user that takes the place of the old one has other roles"
	case len(p.Reads) == 0:
		return signing.Failed, "no read shows the service user"
	}
	return signing.OK, "the service user was read after its token was made, at " + stamp(p.Reads[len(p.Reads)-1].At)
}

func (c *checker) judgeDenied() (signing.Result, string) {
	for _, d := range c.signed.Decisions {
		if d.Action == approval.Deny && (d.PlanHash == "" || d.PlanHash == c.Plan.Hash) {
			return c.judgeNothingLeft()
		}
	}
	return signing.Failed, "it holds no denial of the plan"
}

func (c *checker) judgeTimedOut() (signing.Result, string) {
	if c.replayed(c.StartedAt).Verdict == approval.Approved {
		return signing.Failed, "all approvals were there before the deadline"
	}
	if end := c.terms().WindowEnd(); !end.IsZero() && !c.FinishedAt.Add(clockSlack).Before(end) {
		return c.judgeNothingLeft() // nobody could decide any more
	}
	within := c.Plan.Approval.DecideWithin
	if asked := c.StartedAt; c.FinishedAt.Add(clockSlack).Before(asked.Add(duration(within))) {
		return signing.Failed, fmt.Sprintf("it ended before the %s that approvers have", within)
	}
	return c.judgeNothingLeft()
}

// judgeRefused says whether the request leaves nothing, or a service user whose token is lost: it was created as
// approved, the console's answer with the token did not arrive, and the console makes no other token.
func (c *checker) judgeRefused() (signing.Result, string) {
	p := c.proof(access.OpCreate)
	if p == nil || p.Outcome != access.Created || p.Token != nil ||
		p.Made == nil || p.Made.Kind != access.ServiceUser {
		return c.judgeNothingLeft()
	}
	result, detail := shown(*p, c.Plan)
	return result, fmt.Sprintf("service user %s exists, and its token is lost: %s", p.Made.ID, detail)
}

// judgeNothingLeft says whether the request leaves nothing of what it may have given.
func (c *checker) judgeNothingLeft() (signing.Result, string) {
	if c.given() >= 0 || c.proof(access.OpRelease) != nil {
		return c.judgeReleased()
	}
	for _, p := range c.Proofs {
		if (p.Op == access.OpCreate || p.Op == access.OpRotate) && p.Outcome == access.NotApplied {
			continue // what was made of an account was deleted again, and a token that was lost gives nothing
		}
		if p.Attempted() {
			return signing.Failed, fmt.Sprintf("the %s ended %q, and something may have been changed",
				p.Op, string(p.Outcome))
		}
	}
	return signing.OK, "nothing was changed"
}
