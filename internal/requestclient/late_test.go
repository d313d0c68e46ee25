package requestclient

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// Who decides too late learns who decided, when, and the state.
func TestTooLateError(t *testing.T) {
	t.Parallel()
	decision := func(action, comment, hash string) access.Decision {
		return access.Decision{By: carol, Action: action, At: clock(), Comment: comment, PlanHash: hash}
	}
	needed := access.Plan{Hash: "h", Approval: access.Approval{Required: true}}
	for want, receipt := range map[string]access.Receipt{
		"it is too late: it needed no approval, and is granted": {State: wire.StateGranted},
		"it is too late: it was approved last by carol@example.com at 2026-03-03 14:05:00 UTC, and is granted": {
			State: wire.StateGranted, Plan: needed,
			Decisions: []access.Decision{decision("approve", "", "h"), decision("deny", "", "an earlier plan")},
		},
		"it is too late: it was denied by carol@example.com at 2026-03-03 14:05:00 UTC (no), and is denied": {
			State: wire.StateDenied, Message: "denied by carol", Plan: needed,
			Decisions: []access.Decision{decision("deny", "no", "")},
		},
		"it is too late: it did not get enough approvals in time, the last one by carol@example.com " +
			"at 2026-03-03 14:05:00 UTC, and is timedOut: nobody else": {
			State: wire.StateTimedOut, Message: "nobody else", Plan: needed,
			Decisions: []access.Decision{decision("approve", "", "h")},
		},
		"it is too late: it is cancelled": {State: wire.StateCancelled, Plan: needed},
	} {
		require.EqualError(t, &TooLateError{Record: requestrecord.Record{Receipt: &receipt}}, want)
	}
	require.EqualError(t, &TooLateError{Record: requestrecord.Record{ID: "grant/X"}},
		"it accepts no more decisions (requested by an unknown person; the state is open)")
}
