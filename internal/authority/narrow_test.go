package authority_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/authority"
)

// permanentFor is a request for a permanent role that carol has approved for a time; 0 is for ever.
func permanentFor(t *testing.T, narrow access.Duration) *scene {
	t.Helper()
	s := newScene(t, "groups: {leads: [carol@example.com, dave@example.com]}\nrules:\n"+
		"  - {name: leads, permanent: true, approvals: [{need: 1, from: [leads]}]}\n", true)
	s.spec.Op, s.spec.Terms.Duration = access.OpGrant, 0
	s.requested()
	require.Empty(t, s.plan.Refusal)
	s.now = s.now.Add(time.Minute)
	d := s.decision(carol, approval.Approve)
	d.Duration = narrow
	s.decided(s.signed(d))
	return s
}

// An approver may give a permanent role an end: then it is a lease, and nothing else.
func TestWrite_PermanentWithAnEnd(t *testing.T) {
	t.Parallel()
	s := permanentFor(t, access.Duration(time.Hour))
	require.Equal(t, authority.Covered, s.write(access.OpAcquire).Answer)
	require.Equal(t, authority.Unauthorized, s.write(access.OpGrant).Answer, "it was approved for an hour")

	s = permanentFor(t, 0)
	require.Equal(t, authority.Covered, s.write(access.OpGrant).Answer)
	v := s.write(access.OpAcquire)
	require.Equal(t, authority.Unauthorized, v.Answer)
	require.Equal(t, authority.OtherChange, v.Reason)
	require.Contains(t, v.Text, "no approver has given it an end")
}

// Its access is due at that end, also while nobody's signature can be verified.
func TestClaim_PermanentWithAnEnd(t *testing.T) {
	t.Parallel()
	s := permanentFor(t, access.Duration(time.Hour))
	began := s.now
	s.given()
	for _, doubtful := range []bool{false, true} {
		if doubtful {
			require.NoError(t, os.Remove(s.file))
		}
		record, err := authority.RecordOf(s.entries, run)
		require.NoError(t, err)
		claim, found := s.judge().Claim(t.Context(), record)
		require.True(t, found)
		require.Equal(t, doubtful, claim.Doubt != nil)
		require.False(t, claim.Permanent)
		require.Equal(t, began.Add(time.Hour), claim.Due)
		require.Equal(t, authority.DueEnd, claim.Why)
	}
}
