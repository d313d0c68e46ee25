package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// grantWithChangedPrincipal is a time-bound grant that carol approves for an hour, and whose
// principal changes meanwhile. The second plan takes ten minutes and needs the approval
// given here.
func grantWithChangedPrincipal(t *testing.T, second access.Approval) *decisionDriver {
	t.Helper()
	in := grantInput(8 * time.Hour)
	c := &decisionDriver{requestEnv: newRequest(t)}
	first := planOf(planInput(in))
	first.Approval = access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{stepOf(1, carolMail)},
	}
	c.mockActivities(planInput(in), first.Seal())
	again := planOf(planInput(in))
	again.Before, again.Approval = holds(soc), second
	c.on(wire.PlanActivity, mock.Anything).Return(wire.PlanResult{Plan: again.Seal()}, nil).
		After(10 * time.Minute).Once()
	c.applies(access.OpAcquire, access.PlanChanged).Once()
	c.sendDecision(time.Minute, "approve", narrowing(time.Hour, 0))
	return c
}

// While the second plan is made there is nothing to decide, and decisions on the first plan
// do not count for the second, the duration that they narrowed included.
func TestApproval_PlannedAnew(t *testing.T) {
	t.Parallel()
	c := grantWithChangedPrincipal(t, access.Approval{})
	c.applies(access.OpAcquire, access.Applied).Once()
	c.applies(access.OpRelease, access.Released).Once()
	between := c.decides(5*time.Minute, "deny", carolMail)
	var planning, active wire.RequestStatus
	c.at(5*time.Minute, func() { planning = c.requestStatus() })
	c.at(time.Hour, func() { active = c.requestStatus() })
	require.Equal(t, "expired", c.grant(grantInput(8*time.Hour)).State)
	between.requireRefused(t, "there is nothing to decide: the state is planning")
	require.Nil(t, planning.Approval)
	require.Nil(t, active.Approval)
	require.Equal(t, access.Duration(8*time.Hour), c.applied[1].Change.Change.Lease.For)
}

// Where people are asked about the new plan, an approval of the old one that carries its
// hash does not count, nor is who gave it kept from deciding again.
func TestApproval_AskedAnew(t *testing.T) {
	t.Parallel()
	c := grantWithChangedPrincipal(t, access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{stepOf(1, carolMail)},
	})
	c.applies(access.OpAcquire, access.Applied).Once()
	c.applies(access.OpRelease, access.Released).Once()
	old := narrowing(time.Hour, 0)
	first := planOf(planInput(grantInput(8 * time.Hour)))
	first.Approval = access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{stepOf(1, carolMail)},
	}
	old.PlanHash = first.Seal().Hash
	stale := c.sendDecision(20*time.Minute, "approve", old)
	again := c.decides(21*time.Minute, "approve", carolMail)
	require.Equal(t, "expired", c.grant(grantInput(8*time.Hour)).State)
	stale.requireRefused(t, "the plan has changed since it was shown")
	require.NoError(t, again.err)
	require.Equal(t, access.Duration(8*time.Hour), c.applied[1].Change.Change.Lease.For)
}

// Decisions that arrived while the old plan was pending do not count for the new one, also
// when they have their turn only after that is made.
func TestApproval_ArrivedBeforeTheNewPlan(t *testing.T) {
	t.Parallel()
	c := grantWithChangedPrincipal(t, access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour),
		Steps: []access.ApprovalStep{stepOf(1, carolMail, erinMail)},
	})
	c.recordingTimes = []time.Duration{time.Minute, 30 * time.Minute} // the new plan is there after 12 minutes
	carol := c.decides(time.Minute+10*time.Second, "approve", carolMail)
	erin := c.decides(time.Minute+20*time.Second, "approve", erinMail)
	require.Equal(t, "timedOut", c.grant(grantInput(8*time.Hour)).State)
	first, second := carol, erin // either may have its turn first
	if c.decided[1].Decision.By == erinMail {
		first, second = erin, carol
	}
	first.requireRefused(t, "it is decided already")
	second.requireRefused(t, "the plan has changed since it was shown")
}

// A decision of which it is not known what became does not lend its number, which is its
// key in the ledger, to the next: that one would get the answer of the first.
func TestApproval_NumberOfItsOwn(t *testing.T) {
	t.Parallel()
	c := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(2, carolMail, daveMail, erinMail)}})
	c.failsWith = temporal.NewNonRetryableApplicationError("broken", "Invalid", nil)
	broken := c.decides(time.Minute, "approve", carolMail)
	next := c.decides(2*time.Minute, "approve", daveMail)
	require.Equal(t, "timedOut", c.grant(grantInput(0)).State)
	require.Error(t, broken.err)
	require.NoError(t, next.err)
	require.Equal(t, []int{0, 1}, []int{c.decided[0].Number, c.decided[1].Number})
}
