package authority

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/policy"
)

// ErrNoPolicy says that the policy of a plan is not on record, or not as it was.
var ErrNoPolicy = errors.New("the policy is not on record as it was")

// give judges a change that gives access.
func (j Judge) give(ctx context.Context, r Record, c Change) (Verdict, error) {
	switch {
	case r.Receipt != nil:
		return forbid(HasEnded, "the request %s has ended %s: request again", r.Run.Request, r.Receipt.State), nil
	case r.released():
		return forbid(HasEnded, "what %s gave was released: request again", r.Run.Request), nil
	case r.Cancelled:
		return forbid(WasStopped, "the request %s was cancelled: request again", r.Run.Request), nil
	}
	if s, found, err := j.stopped(r); err != nil || found {
		return forbid(WasStopped, "%s has stopped %s (%s): request again", s.By, r.Run.Request, s.Action), err
	}
	key, v, err := j.requester(r)
	if err != nil || !v.Covered() {
		return v, err
	}
	if v, err := j.deniedBefore(ctx, r); err != nil || !v.Covered() {
		return v, err
	}
	if v, err := j.approved(ctx, r, c, key); err != nil || !v.Covered() {
		return v, err
	}
	return j.frozen(ctx)
}

// deniedBefore finds a denial of an earlier plan of the run: another plan does not make it undone.
func (j Judge) deniedBefore(ctx context.Context, r Record) (Verdict, error) {
	for _, p := range r.Replaced {
		decisions, _, _, err := j.decisionsOn(ctx, r, p.Plan.Hash, approval.Of(p.Plan, p.At), p.At)
		if err != nil {
			return Verdict{}, err
		}
		for _, d := range decisions {
			if d.Action == approval.Deny {
				return forbid(NotApproved,
					"%s has denied an earlier plan of %s: request again", d.By, r.Run.Request), nil
			}
		}
	}
	return covered, nil
}

// requested judges a change that ends access because somebody requested that.
func (j Judge) requested(ctx context.Context, r Record, c Change) (Verdict, error) {
	if r.Receipt != nil {
		return forbid(HasEnded, "the request %s has ended %s: request again", r.Run.Request, r.Receipt.State), nil
	}
	key, v, err := j.requester(r)
	if err != nil || !v.Covered() {
		return v, err
	}
	if v, err := j.deniedBefore(ctx, r); err != nil || !v.Covered() {
		return v, err
	}
	return j.approved(ctx, r, c, key)
}

// approved judges whether the decisions on record are what the policy asks for.
func (j Judge) approved(ctx context.Context, r Record, c Change, key string) (Verdict, error) {
	plan := r.Plan.Plan
	p, v, err := j.policyOf(ctx, r)
	if err != nil || !v.Covered() {
		return v, err
	}
	people, err := j.people(ctx, r)
	if err != nil {
		return Verdict{}, err
	}
	when := people.timesOf(r, c)
	if c.Op == access.OpAcquire && plan.Op == access.OpGrant && plan.Approval.Review == nil && when.end.IsZero() {
		return forbid(OtherChange, "the request %s is for a permanent role, and no approver has given it an end",
			r.Run.Request), nil
	}
	record := approval.Record{
		Plan: plan, RequesterKey: key, AskedAt: r.Plan.At, Decisions: people.decisions, MaySign: people.maySign,
	}
	if plan.Approval.Review != nil {
		record.AskedAt = when.start
	}
	_, refusal := record.Covers(approval.Change{
		PlanHash: plan.Hash, Holding: plan.Holding(), At: when.now, Start: when.start, End: when.end,
	})
	if refusal != nil {
		text := refusal.Text
		if len(people.doubts) > 0 {
			text += ": " + strings.Join(people.doubts, "; ")
		}
		return forbid(NotApproved, "%s", text), nil
	}
	if r.Drift != nil {
		return j.reverts(ctx, r, c)
	}
	return j.decidedAgain(p, r, key, people.terms(r), when)
}

// asksNobody judges the role that an offboarding leaves and that the principal does not have
// for good: it may be given only where the policy would grant it without asking anybody.
func (j Judge) asksNobody(ctx context.Context, r Record, c Change) (Verdict, error) {
	p, v, err := j.policyOf(ctx, r)
	if err != nil || !v.Covered() {
		return v, err
	}
	none := forbid(NotApproved, "%s would leave a role that the principal does not have for good, and it needs an "+
		"approval: have it granted first", r.Run.Request)
	in, complete := policy.InputFromLedger(r.Plan.Request, c.Now)
	if p == nil || !complete {
		return none, nil
	}
	in.Op, in.Mode, in.Duration, in.AllowLevelChange = access.OpGrant, "", 0, true
	answer, err := p.Evaluate(in.WithHoldings(c.Step.Before))
	if err != nil {
		return none, nil //nolint:nilerr // what cannot be decided is not given
	}
	if answer.Refusal != "" || answer.Approval.Required || answer.Approval.Review != nil ||
		answer.ReadsRequester && j.Signers != nil && r.First.Verified() == nil {
		return none, nil
	}
	return covered, nil
}

// times are the times of a change.
type times struct {
	now   time.Time // of the write
	start time.Time // of the access: of the first write
	end   time.Time // of the access; zero for never
}

// timesOf are the times of a change, with some slack for a start that is named: clocks
// differ.
func (p people) timesOf(r Record, c Change) times {
	out := times{now: c.Now, start: r.startedAt()}
	if startAt := p.terms(r).StartAt; c.Now.Before(startAt) && !c.Now.Add(early).Before(startAt) {
		out.now = startAt
	}
	if out.start.IsZero() {
		out.start = out.now
	}
	if c.Op == access.OpAcquire {
		out.end = p.leaseEnd(r, out.start)
	}
	return out
}

// terms are those requested, as approvers have narrowed them.
func (p people) terms(r Record) access.Terms {
	return approval.Replay(approval.Of(r.Plan.Plan, r.Plan.At), p.decisions).State.Terms()
}

// accessEnd is the end of access by its approved terms; zero for never.
func (p people) accessEnd(r Record, start time.Time) time.Time {
	terms := p.terms(r)
	if terms.Duration <= 0 {
		return time.Time{}
	}
	if !terms.StartAt.IsZero() {
		start = terms.StartAt
	}
	return start.Add(time.Duration(terms.Duration)).UTC()
}

// leaseEnd is the end of a lease: that of its access, or of the time to review it while it
// is not reviewed.
func (p people) leaseEnd(r Record, start time.Time) time.Time {
	end := p.accessEnd(r, start)
	review := r.Plan.Plan.Approval.Review
	if review == nil {
		return end
	}
	if s := approval.Replay(approval.Of(r.Plan.Plan, start), p.decisions).State; s.Verdict == approval.Approved {
		return end
	}
	if by := start.Add(time.Duration(review.Within)).UTC(); end.IsZero() || by.Before(end) {
		return by
	}
	return end
}

// policyOf is the policy by which the request is judged; nil where no policy is about it.
func (j Judge) policyOf(ctx context.Context, r Record) (*policy.Policy, Verdict, error) {
	hash := r.First.Plan.Approval.Hash
	switch {
	case r.Plan.Plan.Approval.Hash != hash:
		return nil, forbid(PolicyForbids, "the plan follows another policy than the first one did: request again"), nil
	case hash == "" && endsByRequest(r.Plan.Plan.Op):
		return nil, covered, nil // planned by a version whose policies were about roles only
	case hash == "":
		return nil, forbid(PolicyMissing, "the plan of %s names no policy: request again", r.Run.Request), nil
	}
	p, err := j.Policy(ctx, hash)
	if errors.Is(err, ErrNoPolicy) {
		if !gives(r.Plan.Plan.Op) {
			return nil, covered, nil // an end needs the approvals of its plan and waits for nothing else
		}
		return nil, forbid(PolicyMissing, "the policy by which %s was planned (%.12s) cannot be had any more (%v): "+
			"request again", r.Run.Request, hash, err), nil
	}
	if err != nil {
		return nil, Verdict{}, fmt.Errorf("cannot read the policy of %s: %w", r.Run.Request, err)
	}
	return p, covered, nil
}

func endsByRequest(op access.Op) bool { return op == access.OpDelete || op == access.OpReset }

// gives says that a request gives access: a role, or an account with one.
func gives(op access.Op) bool { return givesRole(op) || op == access.OpCreate || op == access.OpRotate }

// decidedAgain has the policy decide about the plan, on the terms as approvers have narrowed
// them, at the time at which access begins. What has begun is decided as of then: it goes on
// to its end.
func (j Judge) decidedAgain(
	p *policy.Policy, r Record, key string, terms access.Terms, when times,
) (Verdict, error) {
	if p == nil {
		return covered, nil
	}
	plan := r.Plan.Plan
	in, complete := policy.InputFromLedger(r.Plan.Request, when.start)
	if !complete && givesRole(plan.Op) && r.startedAt().IsZero() {
		return askAgain(PolicyForbids, "%s was planned by a version that did not record what its policy reads",
			r.Run.Request), nil
	}
	in.Duration = terms.Duration
	again, err := p.DecideAgain(in, plan.Approval, when.start)
	if err != nil {
		return forbid(PolicyForbids, "the policy cannot decide about %s again: %v", r.Run.Request, err), nil
	}
	switch {
	case !gives(plan.Op) && !again.NobodyAsked:
		return covered, nil // those who were asked have approved it
	case again.Verdict == policy.AgainRefused:
		return forbid(PolicyForbids, "%s", again.Why), nil
	case again.Verdict == policy.AgainMore && givesRole(plan.Op):
		return askAgain(PolicyForbids, "%s", again.Why), nil
	case again.Verdict != policy.AgainCovered:
		return forbid(PolicyForbids, "%s", again.Why), nil
	case again.NeedsSignature() && j.Signers != nil && key == "":
		return forbid(NotSigned,
			"the policy asks nobody because of the requester's name, and nobody has signed for it"), nil
	}
	return covered, nil
}
