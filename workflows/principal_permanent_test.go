package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// A lease that becomes a permanent grant is a lease no longer: the writer ends, and nothing is
// released when its time would have come.
func TestPrincipal_LeaseBecomesForGood(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().Twice()
	l := leaseOf("a", soc, time.Hour)
	w.sendChange(time.Second, acquires(l))
	kept := w.sendChange(time.Minute, changeTo(access.OpGrant, l))
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, access.AlreadyHeld, kept.requireOutcome(t))
	require.Equal(t, holds(viewer, soc), w.actual)
	require.Equal(t, began.Add(time.Minute), w.Now().UTC())
	require.Empty(t, w.state().Leases)
	require.Empty(t, w.state().Holders)
}

// The same where the proof was there already, made on older knowledge.
func TestPrincipal_LeaseBecameForGoodBefore(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut().Once()
	l := leaseOf("a", soc, time.Hour)
	w.sendChange(time.Second, acquires(l))
	w.on(wire.WriteActivity, change("a/grant")).
		Return(func(context.Context, wire.WriteInput) (wire.WriteResult, error) {
			return wire.WriteResult{Recalled: true, Proof: access.Proof{
				Op: access.OpGrant, Key: "a/grant", Outcome: access.AlreadyHeld,
			}}, nil
		}).Once()
	w.sendChange(time.Minute, changeTo(access.OpGrant, l))
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Empty(t, w.state().Leases)
}
