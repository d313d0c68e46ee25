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
	key, v, err := j.requester(r)
	if err != nil || !v.Covered() {
		return v, err
	}
	if v, err := j.approved(ctx, r, c, key); err != nil || !v.Covered() {
		return v, err
	}
	return j.frozen(ctx)
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
	return j.approved(ctx, r, c, key)
}

// approved judges whether the decisions on record are what the policy asks for.
func (j Judge) approved(ctx context.Context, r Record, c Change, key string) (Verdict, error) {
	plan := r.Plan.Plan
	p, v, err := j.policyOf(ctx, r)
	if err != nil || !v.Covered() {
		return v, err
	}
	decisions, doubts, err := j.decisions(ctx, r, plan.Hash)
	if err != nil {
		return Verdict{}, err
	}
	start := r.startedAt()
	if start.IsZero() {
		start = c.Now
	}
	record := approval.Record{Plan: plan, RequesterKey: key, AskedAt: r.Plan.At, Decisions: decisions}
	if plan.Approval.Review != nil {
		record.AskedAt = start
	}
	coverage, refusal := record.Covers(approval.Change{
		PlanHash: plan.Hash, Holding: plan.Holding(), At: c.Now, Start: start, End: j.endOf(r, c, decisions, start),
	})
	if refusal != nil {
		text := refusal.Text
		if len(doubts) > 0 {
			text += ": " + strings.Join(doubts, "; ")
		}
		return forbid(NotApproved, "%s", text), nil
	}
	return j.decidedAgain(p, r, coverage, c.Now, start)
}

// endOf is when the access of a change ends by what was approved; zero for never.
func (j Judge) endOf(r Record, c Change, decisions []access.Decision, start time.Time) time.Time {
	if c.Op != access.OpAcquire {
		return time.Time{}
	}
	return leaseEnd(r.Plan.Plan, decisions, start)
}

// leaseEnd is the end of a lease: by its approved terms, or by the time to review it.
func leaseEnd(plan access.Plan, decisions []access.Decision, start time.Time) time.Time {
	opened := approval.Of(plan, start)
	terms := approval.Replay(opened, decisions).State.Terms()
	var end time.Time
	if terms.Duration > 0 {
		from := start
		if !terms.StartAt.IsZero() {
			from = terms.StartAt
		}
		end = from.Add(time.Duration(terms.Duration)).UTC()
	}
	if review := plan.Approval.Review; review != nil {
		if by := start.Add(time.Duration(review.Within)).UTC(); end.IsZero() || by.Before(end) {
			end = by
		}
	}
	return end
}

// policyOf is the policy by which the request is judged.
func (j Judge) policyOf(ctx context.Context, r Record) (*policy.Policy, Verdict, error) {
	hash := r.First.Plan.Approval.Hash
	switch {
	case hash == "":
		return nil, covered, nil // what no policy is about: see approval.NoApproval
	case r.Plan.Plan.Approval.Hash != hash:
		return nil, forbid(PolicyForbids, "the plan follows another policy than the first one did: request again"), nil
	}
	p, err := j.Policy(ctx, hash)
	if errors.Is(err, ErrNoPolicy) {
		return nil, forbid(PolicyMissing, "the policy by which %s was planned (%.12s) cannot be had any more (%v): "+
			"request again", r.Run.Request, hash, err), nil
	}
	if err != nil {
		return nil, Verdict{}, fmt.Errorf("cannot read the policy of %s: %w", r.Run.Request, err)
	}
	return p, covered, nil
}

// decidedAgain has the policy decide about the plan at the time of the write. What has
// begun is not decided again: it goes on to its end.
func (j Judge) decidedAgain(
	p *policy.Policy, r Record, got approval.Coverage, now, start time.Time,
) (Verdict, error) {
	plan := r.Plan.Plan
	if p == nil {
		if plan.Op == access.OpDelete || plan.Op == access.OpReset {
			return covered, nil
		}
		return forbid(PolicyMissing, "the plan of %s names no policy: request again", r.Run.Request), nil
	}
	return covered, nil
}
