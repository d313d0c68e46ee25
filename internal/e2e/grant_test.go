package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A permanent grant: the role is on the console, and the receipt proves it.
func TestGrant_Permanent(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	got := s.grant("1", s.input(""))
	require.Equal(t, "granted", got.State, got.Message)
	require.Equal(t, access.Applied, got.Outcome)
	require.True(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)

	again := s.grant("2", s.input(""))
	require.Equal(t, "granted", again.State)
	require.Equal(t, access.AlreadyHeld, again.Outcome)
	require.Len(t, s.roleWrites(), 1, "a role that is held is not written again")
}

// A timed grant: the role is on the console for that time, and afterwards the user holds
// what it held before.
func TestGrant_TimeBound(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	before := s.holdings()
	run := s.startGrant("1", s.input("15s"))
	s.untilHolds(true)
	got := s.result(run)
	require.Equal(t, "expired", got.State, got.Message)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, before, s.holdings())
	s.requireReceipt(got)
	last := got.Receipt.Proofs[len(got.Receipt.Proofs)-1]
	require.True(t, last.Confirmed, "two reads verify the absence")
	require.GreaterOrEqual(t, len(last.Reads), 2)
	require.GreaterOrEqual(t, last.Reads[len(last.Reads)-1].At.Sub(last.Reads[len(last.Reads)-2].At), 3*time.Second)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	s.setRolesByHand(s.viewer, s.requested)
	got := s.revoke("1")
	require.Equal(t, "revoked", got.State, got.Message)
	require.Equal(t, access.Removed, got.Outcome)
	require.False(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
	require.Equal(t, access.AlreadyAbsent, s.revoke("2").Outcome)
}
