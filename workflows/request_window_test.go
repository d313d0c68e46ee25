package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// windowInput asks for an hour that begins an hour after the request.
func windowInput() wire.GrantInput {
	in := grantInput(time.Hour)
	in.StartAt = new(began.Add(time.Hour))
	return in
}

// Row 13 of issue 11: a window that is over before anybody decides ends the request at that time, and not when the time
// to decide is over.
func TestApproval_WindowIsOver(t *testing.T) {
	t.Parallel()
	d := newDecisionDriverFor(t, windowInput(), access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
	got := d.grant(windowInput())
	require.Equal(t, wire.StateTimedOut, got.State)
	require.Equal(t, began.Add(2*time.Hour), d.Now().UTC())
	require.Contains(t, got.Message, "not decided before the requested window was over at")
}

// The first of two approvers lets it start later: the second one has until the end of that window.
func TestApproval_WindowMoves(t *testing.T) {
	t.Parallel()
	both := stepOf(2, carolMail, erinMail)
	d := newDecisionDriverFor(t, windowInput(), access.Approval{Steps: []access.ApprovalStep{both}})
	d.sendDecision(30*time.Minute, "approve", wire.DecisionInput{By: carolMail, StartAt: began.Add(3 * time.Hour)})
	got := d.grant(windowInput())
	require.Equal(t, wire.StateTimedOut, got.State)
	require.Equal(t, began.Add(4*time.Hour), d.Now().UTC())
}

// A request from before this rule goes on as it began.
func TestApproval_WindowOfBefore(t *testing.T) {
	t.Parallel()
	d := newDecisionDriverFor(t, windowInput(), access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
	d.OnGetVersion("windows-end", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	got := d.grant(windowInput())
	require.Equal(t, wire.StateTimedOut, got.State)
	require.Equal(t, began.Add(10*time.Hour), d.Now().UTC())
}

// Row 13 of issue 11: a cancellation that comes after a denial was accepted, while that is being recorded, does not
// change how the request ends. A denial that comes after the cancellation does not either.
func TestApproval_CancelledAfterDenial(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	for name, c := range map[string]struct {
		denied, recording, cancelled time.Duration
		version                      workflow.Version
		want                         string
	}{
		"while it is recorded": {minute, minute, minute + time.Second, 1, wire.StateDenied},
		"in the same moment":   {minute, 0, minute, 1, wire.StateDenied},
		"before":               {minute + time.Second, 0, minute, 1, wire.StateCancelled},
		"with a workflow of before": {
			minute, minute, minute + time.Second, workflow.DefaultVersion, wire.StateCancelled,
		},
		"before, and while recorded": {minute + time.Second, minute, minute, 1, wire.StateCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDecisionDriver(t, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail)}})
			d.OnGetVersion("denials-stand", workflow.DefaultVersion, workflow.Version(1)).Maybe().Return(c.version)
			d.recordingTimes = []time.Duration{c.recording}
			d.decides(c.denied, "deny", carolMail)
			d.sendUpdate(c.cancelled, wire.CancelUpdate, byCarol())
			require.Equal(t, c.want, d.grant(grantInput(0)).State)
		})
	}
}
