package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Nobody approves a plan that they cannot have seen: a decision that arrived before there was
// a plan does not count, also when it has its turn only after that is made.
func TestApproval_ArrivedBeforeThePlan(t *testing.T) {
	t.Parallel()
	c := &decisionDriver{requestEnv: newRequest(t)}
	in := planInput(grantInput(0))
	plan := planOf(in)
	plan.Approval = access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour),
		Steps: []access.ApprovalStep{stepOf(1, carolMail, erinMail)},
	}
	c.on(wire.PlanActivity, mock.Anything).Return(wire.PlanResult{Plan: plan.Seal()}, nil).
		After(2 * time.Minute).Once()
	c.mockDecisions()
	c.applies(access.OpGrant, access.Applied).Maybe()
	c.recordingTimes = []time.Duration{10 * time.Minute} // the plan is there after two
	carol := c.decides(time.Minute, "approve", carolMail)
	erin := c.decides(time.Minute+time.Second, "approve", erinMail)
	require.Equal(t, "timedOut", c.grant(grantInput(0)).State)
	carol.requireRefused(t, "the plan is not made yet")
	erin.requireRefused(t, "the plan is not made yet")
}
