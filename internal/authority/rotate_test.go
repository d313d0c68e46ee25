package authority_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/authority"
)

const (
	tokensAsk = `
groups: {leads: [carol@example.com, dave@example.com]}
rules:
  - {name: tokens, for: [rotateToken], approvals: [{need: 1, from: [leads]}]}
  - {name: leads, permanent: true, approvals: [{need: 1, from: [leads]}]}
`
	tokensFree = `
rules:
  - {name: tokens, for: [rotateToken], when: requester == "bob@example.com", autoApprove: true}
  - {name: all, permanent: true, autoApprove: true}
`
	hers   = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	theirs = "age1qqqqhjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
)

// rotates is the scene of a request for a new token, encrypted to that key.
func rotates(t *testing.T, policy string, signed bool, recipient string) *scene {
	t.Helper()
	s := newScene(t, policy, signed)
	s.spec.Op, s.spec.Role, s.spec.Scope = access.OpRotate, access.RoleSelector{}, access.ScopeSelector{}
	s.spec.Terms.Duration = 0
	s.spec.Rotation = &access.TokenRotation{ExpiresAt: noon.AddDate(0, 3, 0), Recipient: recipient}
	return s
}

func (s *scene) rotate() authority.Verdict {
	s.t.Helper()
	r, err := authority.RecordOf(s.entries, run)
	require.NoError(s.t, err)
	v, err := s.judge().Rotate(s.t.Context(), r, s.now)
	require.NoError(s.t, err)
	return v
}

// A new token needs what its policy asks for: a decision, or nothing.
func TestRotate_Approval(t *testing.T) {
	t.Parallel()
	for _, signed := range []bool{false, true} {
		s := rotates(t, tokensAsk, signed, "")
		require.Equal(t, authority.NoRequest, s.rotate().Reason)
		s.requested()
		require.Equal(t, authority.NotApproved, s.rotate().Reason)
		s.decided(s.decision(carol, approval.Approve))
		require.True(t, s.rotate().Covered(), s.rotate().Text)
		s.frozen = "since noon"
		require.Equal(t, authority.IsFrozen, s.rotate().Reason)
	}
	free := rotates(t, tokensFree, true, "").requested()
	require.True(t, free.rotate().Covered(), free.rotate().Text)
}

// A token that is encrypted to a key is for who signed for that key, whatever the policy asks for.
func TestRotate_RecipientIsSigned(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{tokensFree, tokensAsk} {
		unsigned := rotates(t, policy, false, hers).requested()
		unsigned.decided(unsigned.decision(carol, approval.Approve))
		require.Equal(t, authority.NotSigned, unsigned.rotate().Reason)

		signed := rotates(t, policy, true, hers).requested()
		if policy == tokensAsk {
			signed.decided(signed.decision(carol, approval.Approve))
		}
		require.True(t, signed.rotate().Covered(), signed.rotate().Text)
	}
}

// A plan for another key than the signed one is not covered.
func TestRotate_OtherRecipient(t *testing.T) {
	t.Parallel()
	s := rotates(t, tokensFree, true, hers)
	s.planRecipient = theirs
	s.requested()
	require.False(t, s.rotate().Covered())
	require.Contains(t, s.rotate().Text, "token")
}
