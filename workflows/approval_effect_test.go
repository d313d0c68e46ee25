package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// The writer is told the approved effect, or what the principal held in a plan from before there
// were effects. Nothing is compared where nobody was asked.
func TestApproval_TheWriterIsToldWhatWasApproved(t *testing.T) {
	t.Parallel()
	in := grantInput(time.Hour)
	effect := &access.Effect{Gains: []access.Holding{planOf(planInput(in)).Holding()}}
	asked := access.Approval{
		Required: true, DecideWithin: access.Duration(time.Hour), Steps: []access.ApprovalStep{stepOf(1, carolMail)},
	}
	for name, c := range map[string]struct {
		effect   *access.Effect
		approval access.Approval
		compares bool
	}{
		"effect":    {effect, asked, true},
		"old plan":  {nil, asked, true},
		"not asked": {effect, access.Approval{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &decisionDriver{requestEnv: newRequest(t)}
			plan := planOf(planInput(in))
			plan.Effect, plan.Approval, plan.Before = c.effect, c.approval, holds(soc)
			d.mockActivities(planInput(in), plan.Seal())
			d.applies(access.OpAcquire, access.Applied).Once()
			d.applies(access.OpRelease, access.Released).Once()
			if c.compares {
				d.sendDecision(time.Minute, "approve", narrowing(0, 0))
			}
			require.Equal(t, "expired", d.grant(in).State)
			sent := d.applied[0].Change
			switch {
			case !c.compares:
				require.Nil(t, sent.Effect)
				require.Nil(t, sent.Expect)
			case c.effect != nil:
				require.Equal(t, c.effect, sent.Effect)
				require.Nil(t, sent.Expect)
			default:
				require.Equal(t, &plan.Before, sent.Expect)
				require.Nil(t, sent.Effect)
			}
		})
	}
}
