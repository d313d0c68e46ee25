package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// newCouncilOn is of a grant with other terms.
func newCouncilOn(t *testing.T, in wire.GrantInput, a access.Approval) *council {
	t.Helper()
	c := &council{requestScene: newRequest(t)}
	a.Required, a.DecideWithin = true, access.Duration(10*time.Hour)
	asks := planInput(in)
	plan := planOf(asks)
	plan.Approval = a
	c.answers(asks, plan.Seal())
	return c
}

func narrowing(long time.Duration, start time.Duration) wire.DecisionInput {
	in := wire.DecisionInput{By: carolMail, Duration: access.Duration(long)}
	if start != 0 {
		in.StartAt = began.Add(start)
	}
	return in
}

// A role for good may be given for a time, and still not before it was asked for.
func TestConsent_ForATimeAndNotEarlier(t *testing.T) {
	t.Parallel()
	in := grantInput(0)
	in.StartAt = new(began.Add(24 * time.Hour))
	c := newCouncilOn(t, in, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
	early := c.sends(time.Hour, "approve", narrowing(time.Hour, 2*time.Hour))
	past := c.sends(time.Hour, "approve", narrowing(time.Hour, -2*time.Hour))
	never := c.sends(time.Hour, "approve", narrowing(time.Hour, 367*24*time.Hour+time.Hour))
	var seen wire.RequestStatus
	c.sends(2*time.Hour, "approve", narrowing(time.Hour, 25*time.Hour))
	c.at(3*time.Hour, func() { seen = c.look() })
	c.at(4*time.Hour, c.CancelWorkflow)
	c.grant(in)
	early.refused(t, "an approver may let it start later, not earlier")
	past.refused(t, "an approver may let it start later, not earlier")
	never.refused(t, "more than 366 days ahead")
	require.Equal(t, began.Add(25*time.Hour), *seen.StartsAt)
}

// Whoever shortens it so that it would be over already, or approves it when it would be,
// gives nothing; to deny it is no different from any other time.
func TestConsent_OverBeforeItStarts(t *testing.T) {
	t.Parallel()
	in := grantInput(4 * time.Hour)
	in.StartAt = new(began.Add(-2 * time.Hour))
	c := newCouncilOn(t, in, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
	short := c.sends(time.Minute, "approve", narrowing(time.Hour, 0))
	late := c.says(2*time.Hour, "approve", carolMail)
	no := c.says(3*time.Hour, "deny", carolMail)
	require.Equal(t, "denied", c.grant(in).State)
	short.refused(t, "it would end at 2026-11-02T08:00:00Z, before it can start")
	late.refused(t, "it would end at 2026-11-02T11:00:00Z, before it can start")
	require.NoError(t, no.err)
}

// A revoke is for good and at once: who approves it for a time, or later, is told that
// this is not what would be done.
func TestRevoke_NotNarrowed(t *testing.T) {
	t.Parallel()
	in := revokeInput()
	asks := revokePlan(in)
	plan := planOf(asks)
	plan.Approval = access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{stepOf(1, carolMail)},
	}
	c := &council{requestScene: newRequest(t)}
	c.answers(asks, plan.Seal())
	short := c.sends(time.Minute, "approve", narrowing(time.Hour, 0))
	later := c.sends(time.Minute, "approve", narrowing(0, 30*time.Minute))
	require.Equal(t, "timedOut", c.revoke(in).State)
	short.refused(t, "a revoke has no duration")
	later.refused(t, "a revoke has no duration")
}
