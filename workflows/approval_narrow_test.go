package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// newDecisionDriverFor is of a grant with other terms.
func newDecisionDriverFor(t *testing.T, in wire.GrantInput, a access.Approval) *decisionDriver {
	t.Helper()
	c := &decisionDriver{requestEnv: newRequest(t)}
	a.Required, a.DecideWithin = true, access.Duration(10*time.Hour)
	asks := planInput(in)
	plan := planOf(asks)
	plan.Approval = a
	c.mockActivities(asks, plan.Seal())
	return c
}

func narrowing(long time.Duration, start time.Duration) wire.DecisionInput {
	in := wire.DecisionInput{By: carolMail, Duration: access.Duration(long)}
	if start != 0 {
		in.StartAt = began.Add(start)
	}
	return in
}

// An approver may make a permanent role time-bound, and still not start it before it was
// requested to.
func TestApproval_ForATimeAndNotEarlier(t *testing.T) {
	t.Parallel()
	in := grantInput(0)
	in.StartAt = new(began.Add(24 * time.Hour))
	c := newDecisionDriverFor(t, in, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
	early := c.sendDecision(time.Hour, "approve", narrowing(time.Hour, 2*time.Hour))
	past := c.sendDecision(time.Hour, "approve", narrowing(time.Hour, -2*time.Hour))
	never := c.sendDecision(time.Hour, "approve", narrowing(time.Hour, 367*24*time.Hour+time.Hour))
	var seen wire.RequestStatus
	c.sendDecision(2*time.Hour, "approve", narrowing(time.Hour, 25*time.Hour))
	c.at(3*time.Hour, func() { seen = c.requestStatus() })
	c.at(4*time.Hour, c.CancelWorkflow)
	c.grant(in)
	early.requireRefused(t, "an approver may let it start later, not earlier")
	past.requireRefused(t, "an approver may let it start later, not earlier")
	never.requireRefused(t, "more than 366 days ahead")
	require.Equal(t, began.Add(25*time.Hour), *seen.StartsAt)
}

// An approval that shortens a grant so that it would end before it can start does not count,
// nor does one that comes when it would have ended. A denial counts as at any other time. The
// request is from before it ended with its window.
func TestApproval_OverBeforeItStarts(t *testing.T) {
	t.Parallel()
	in := grantInput(4 * time.Hour)
	in.StartAt = new(began.Add(-2 * time.Hour))
	c := newDecisionDriverFor(t, in, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
	c.OnGetVersion("windows-end", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	short := c.sendDecision(time.Minute, "approve", narrowing(time.Hour, 0))
	late := c.decides(2*time.Hour, "approve", carolMail)
	no := c.decides(3*time.Hour, "deny", carolMail)
	require.Equal(t, "denied", c.grant(in).State)
	short.requireRefused(t, "it would end at 2026-11-02 08:00:00 UTC, before it can start")
	late.requireRefused(t, "it would end at 2026-11-02 11:00:00 UTC, before it can start")
	require.NoError(t, no.err)
}

// A revoke is permanent and starts at once: an approval for a time, or with a later start,
// is refused.
func TestRevoke_NotNarrowed(t *testing.T) {
	t.Parallel()
	in := revokeInput()
	asks := revokePlan(in)
	plan := planOf(asks)
	plan.Approval = access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{stepOf(1, carolMail)},
	}
	c := &decisionDriver{requestEnv: newRequest(t)}
	c.mockActivities(asks, plan.Seal())
	short := c.sendDecision(time.Minute, "approve", narrowing(time.Hour, 0))
	later := c.sendDecision(time.Minute, "approve", narrowing(0, 30*time.Minute))
	require.Equal(t, "timedOut", c.revoke(in).State)
	short.requireRefused(t, "a revoke has no duration")
	later.requireRefused(t, "a revoke has no duration")
}
