package approval_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// change is the write of an approved plan, an hour after noon and for four hours.
func change(p access.Plan) approval.Change {
	return approval.Change{
		PlanHash: p.Hash, Holding: p.Holding(),
		At: after(time.Hour), Start: after(time.Hour), End: after(5 * time.Hour),
	}
}

// record is of a plan with decisions on it, each of one that approves.
func record(p access.Plan, by ...string) approval.Record {
	s := approval.Of(p, noon)
	r := approval.Record{Plan: p, AskedAt: noon}
	for _, who := range by {
		d := decide(s, after(time.Minute), approval.Approve, who)
		r.Decisions, s = append(r.Decisions, d), s.Record(d)
	}
	return r
}

// A change is covered by the approvals that its plan asks for, and by nothing else.
func TestCovers(t *testing.T) {
	t.Parallel()
	plan := planOf(stepOf(1, carol), stepOf(1, dave))
	for name, c := range map[string]struct {
		change func(*approval.Record, *approval.Change)
		want   approval.Reason
	}{
		"approved":        {func(*approval.Record, *approval.Change) {}, ""},
		"of another plan": {func(_ *approval.Record, c *approval.Change) { c.PlanHash = "x" }, approval.OtherPlan},
		"of another role": {
			func(_ *approval.Record, c *approval.Change) { c.Holding.RoleID = "9" }, approval.OtherChange,
		},
		"a refused plan": {
			func(r *approval.Record, _ *approval.Change) { r.Plan.Refusal = "no" }, approval.PlanRefused,
		},
		"a refused approval": {
			func(r *approval.Record, _ *approval.Change) { r.Plan.Approval.Refusal = "no" }, approval.PlanRefused,
		},
		"nobody to approve": {
			func(r *approval.Record, _ *approval.Change) { r.Plan.Approval.Steps = nil }, approval.NoSteps,
		},
		"one approval short": {
			func(r *approval.Record, _ *approval.Change) { r.Decisions = r.Decisions[:1] }, approval.NotApproved,
		},
		"approved afterwards": {func(r *approval.Record, c *approval.Change) {
			r.Decisions[1].At = c.At.Add(1)
		}, approval.NotApproved},
		"denied": {func(r *approval.Record, _ *approval.Change) {
			r.Decisions = append(r.Decisions, access.Decision{At: noon, By: frank, Action: approval.Deny})
		}, approval.WasDenied},
		"another plan denied": {func(r *approval.Record, _ *approval.Change) {
			r.Decisions = append(r.Decisions,
				access.Decision{At: noon, By: frank, Action: approval.Deny, PlanHash: "x"})
		}, ""},
		"denied afterwards": {func(r *approval.Record, c *approval.Change) {
			r.Decisions = append(r.Decisions, access.Decision{At: c.At.Add(1), By: frank, Action: approval.Deny})
		}, ""},
		"with the requester's key": {func(r *approval.Record, _ *approval.Change) {
			r.RequesterKey, r.Decisions[1].Signed = "key", "key"
		}, approval.NotApproved},
		"longer": {func(_ *approval.Record, c *approval.Change) { c.End = c.End.Add(1) }, approval.BeyondEnd},
		"for the rest": {func(_ *approval.Record, c *approval.Change) {
			c.At = c.End.Add(-1)
		}, ""},
		"begun anew":  {func(_ *approval.Record, c *approval.Change) { c.At = c.End }, approval.BeyondEnd},
		"permanently": {func(_ *approval.Record, c *approval.Change) { c.End = time.Time{} }, approval.BeyondEnd},
		"longer than an approver allows": {func(r *approval.Record, _ *approval.Change) {
			r.Decisions[1].Duration = access.Duration(3 * time.Hour)
		}, approval.BeyondEnd},
		"before an approver's start": {func(r *approval.Record, _ *approval.Change) {
			r.Decisions[1].StartAt = after(2 * time.Hour)
		}, approval.BeforeStart},
	} {
		r, ch := record(plan, carol, dave), change(plan)
		c.change(&r, &ch)
		got, refusal := r.Covers(ch)
		require.Equal(t, c.want, reasonOf(refusal), "%s: %s", name, refusal.Sentence())
		if refusal == nil {
			require.Equal(t, after(5*time.Hour), got.Until, name)
			require.Len(t, got.Approvals, 2, name)
			require.False(t, got.NobodyAsked)
		}
	}
	_, refusal := record(plan, carol).Covers(change(plan))
	require.Equal(t, "it is not approved: step 2 of 2 has 0 of 1 from leads", refusal.Sentence())
}

// Where nobody is asked, that is said: whether it is so, the policy must say again.
func TestCovers_NobodyAsked(t *testing.T) {
	t.Parallel()
	plan := planOf()
	plan.Approval.Required = false
	plan.Terms.Duration = 0
	c := change(plan)
	c.End = time.Time{}
	got, refusal := record(plan).Covers(c)
	require.Nil(t, refusal)
	require.Equal(t, approval.Coverage{NobodyAsked: true, Approvals: []access.Decision{}}, got)
}

// An approval stands for some time until the change is first written. Once it is, its age
// does not matter.
func TestCovers_ValidFor(t *testing.T) {
	t.Parallel()
	plan := planOf(stepOf(1, carol), stepOf(1, dave))
	plan.Approval.ValidFor = access.Duration(2 * time.Hour)
	plan = plan.Seal()
	r := record(plan, carol, dave)
	r.Decisions[1].At = after(time.Hour) // the last one counts
	last := after(3 * time.Hour)
	for name, c := range map[string]struct {
		start, at time.Time
		want      approval.Reason
	}{
		"in time":           {last, last, ""},
		"too late":          {last.Add(1), last.Add(1), approval.TooOld},
		"written long ago":  {last, last.Add(time.Hour), ""},
		"written again":     {last.Add(time.Second), last.Add(time.Hour), approval.TooOld},
		"before the second": {after(30 * time.Minute), after(30 * time.Minute), approval.NotApproved},
	} {
		ch := change(plan)
		ch.Start, ch.At, ch.End = c.start, c.at, c.at.Add(time.Second)
		_, refusal := r.Covers(ch)
		require.Equal(t, c.want, reasonOf(refusal), "%s: %s", name, refusal.Sentence())
	}
	ch := change(plan)
	ch.Start = last.Add(1)
	ch.At = ch.Start
	_, refusal := r.Covers(ch)
	require.Equal(t, "approved at 2026-03-10 13:00:00 UTC, and the policy lets an approval stand for 2h until it is "+
		"applied: request it again", refusal.Sentence())

	plan.Approval.ValidFor = 0
	plan = plan.Seal()
	ch.PlanHash = plan.Hash
	_, refusal = record(plan, carol, dave).Covers(ch)
	require.Nil(t, refusal, "without a limit")
}

// A review comes after the first write, so that its age is no matter.
func TestCovers_ValidForOfAReview(t *testing.T) {
	t.Parallel()
	plan := reviewed(stepOf(1, carol))
	plan.Approval.ValidFor = 1
	plan = plan.Seal()
	c := change(plan)
	c.Start, c.At, c.End = noon, after(3*time.Hour), after(4*time.Hour)
	_, refusal := record(plan, carol).Covers(c)
	require.Nil(t, refusal)
}

// Break-glass is covered until the deadline of its review, and afterwards by the review.
func TestCovers_BreakGlass(t *testing.T) {
	t.Parallel()
	plan := reviewed(stepOf(1, carol))
	until := func(at, end time.Duration) approval.Change {
		c := change(plan)
		c.At, c.Start, c.End = after(at), noon, after(end)
		return c
	}
	got, refusal := record(plan).Covers(until(0, 4*time.Hour))
	require.Nil(t, refusal)
	require.Equal(t, after(4*time.Hour), got.Until)
	require.True(t, got.NobodyAsked)
	for _, c := range []approval.Change{until(4*time.Hour, 4*time.Hour), until(0, 4*time.Hour+1), {
		PlanHash: plan.Hash, Holding: plan.Holding(), At: noon, Start: noon,
	}} {
		_, refusal = record(plan).Covers(c)
		require.Equal(t, approval.NotReviewed, reasonOf(refusal), c)
	}
	plan.Terms.Duration = access.Duration(8 * time.Hour)
	plan = plan.Seal()
	_, refusal = record(plan).Covers(until(5*time.Hour, 8*time.Hour))
	require.Equal(t, approval.NotReviewed, reasonOf(refusal))
	_, refusal = record(plan, carol).Covers(until(5*time.Hour, 8*time.Hour))
	require.Nil(t, refusal)
	_, refusal = record(plan, dave).Covers(until(5*time.Hour, 8*time.Hour))
	require.Equal(t, approval.NotReviewed, reasonOf(refusal))
}
