package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// The time to decide is over at the deadline, to the second. A decision that came before it
// counts, also if it takes long to record; one that comes at the deadline does not.
func TestApproval_DecisionAroundTheDeadline(t *testing.T) {
	t.Parallel()
	const deadline = 10 * time.Hour
	for name, c := range map[string]struct {
		came, recording time.Duration
		state           string
		endedAt         time.Duration
	}{
		"just before": {deadline - time.Second, 0, "granted", deadline - time.Second},
		"just before, recorded late": {
			deadline - time.Second, time.Hour, "granted", deadline + time.Hour - time.Second,
		},
		"at the deadline": {deadline, 0, "timedOut", deadline},
		"just after":      {deadline + time.Second, 0, "timedOut", deadline},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
			d.recordingTimes = []time.Duration{c.recording}
			d.applies(access.OpGrant, access.Applied).Maybe()
			d.decides(c.came, "approve", carolMail)
			require.Equal(t, c.state, d.grant(grantInput(0)).State)
			require.Equal(t, began.Add(c.endedAt), d.Now().UTC())
		})
	}
}

// A reminder that was due while a decision was being recorded is not sent if the request
// has ended meanwhile.
func TestApproval_NoReminderAfterTheEnd(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(0)
	events := r.notifying(in, func(p *access.Plan) {
		p.Approval = access.Approval{
			Required: true, DecideWithin: access.Duration(10 * time.Hour), RemindEvery: access.Duration(time.Hour),
			Steps: []access.ApprovalStep{stepOf(1, carolMail)},
		}
	}, nil)
	r.on(wire.DecideActivity, mock.Anything).Return(wire.DecideResult{Refusal: "not eligible"}, nil).
		After(3 * time.Hour).Once()
	r.closes()
	r.update(30*time.Minute, wire.ApproveUpdate, wire.DecisionInput{By: erinMail}, func(error) {}, func(any, error) {})
	r.sendUpdate(90*time.Minute, wire.CancelUpdate, byCarol())
	require.Equal(t, "cancelled", r.grant(in).State)
	for _, e := range *events {
		require.NotEqual(t, wire.EventReminder, e.Type)
	}
}
