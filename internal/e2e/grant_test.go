package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A role given for good is on the console, and the receipt proves it.
func TestGrant_ForGood(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	got := s.grant("1", s.input(""))
	require.Equal(t, "granted", got.State, got.Message)
	require.Equal(t, access.Applied, got.Outcome)
	require.True(t, s.held().Holds(s.wanted))
	s.requireReceipt(got)

	again := s.grant("2", s.input(""))
	require.Equal(t, "granted", again.State)
	require.Equal(t, access.AlreadyHeld, again.Outcome)
	require.Len(t, s.puts(), 1, "what is held already is not written again")
}

// A role given for a time is there for that time, and what was held before is there
// after it.
func TestGrant_ForATime(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	before := s.held()
	run := s.startGrant("1", s.input("1s"))
	s.untilHolds(true)
	got := s.ended(run)
	require.Equal(t, "expired", got.State, got.Message)
	require.Equal(t, access.Released, got.Outcome)
	require.Equal(t, before, s.held())
	s.requireReceipt(got)
	last := got.Receipt.Proofs[len(got.Receipt.Proofs)-1]
	require.True(t, last.Confirmed, "the absence is read twice")
	require.GreaterOrEqual(t, len(last.Reads), 2)
	require.GreaterOrEqual(t, last.Reads[len(last.Reads)-1].At.Sub(last.Reads[len(last.Reads)-2].At), 3*time.Second)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	s := newRoles(t)
	s.byHand(s.viewer, s.wanted)
	got := s.revoke("1")
	require.Equal(t, "revoked", got.State, got.Message)
	require.Equal(t, access.Removed, got.Outcome)
	require.False(t, s.held().Holds(s.wanted))
	s.requireReceipt(got)
	require.Equal(t, access.AlreadyAbsent, s.revoke("2").Outcome)
}
