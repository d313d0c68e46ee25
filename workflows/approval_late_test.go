package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// The ledger takes three hours for a decision that came in time, and the time to decide
// ends meanwhile: who comes after that is too late, whatever becomes of the first.
func TestApproval_AfterItsTime(t *testing.T) {
	t.Parallel()
	for _, first := range []struct{ action, by, ends string }{
		{"approve", erinMail, "timedOut"}, // who may not decide
		{"approve", carolMail, "timedOut"},
		{"deny", carolMail, "denied"},
	} {
		c := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(2, carolMail, daveMail)}})
		c.recordingTimes = []time.Duration{3 * time.Hour}
		c.decides(9*time.Hour, first.action, first.by)
		yes := c.decides(11*time.Hour, "approve", daveMail)
		no := c.decides(11*time.Hour+time.Minute, "deny", carolMail)
		require.Equal(t, first.ends, c.grant(grantInput(0)).State, first.by)
		require.Error(t, yes.err, first.by)
		require.Error(t, no.err, first.by)
	}
}
