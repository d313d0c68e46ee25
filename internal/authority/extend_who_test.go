package authority_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// extension puts on record that somebody asks for two hours more of the access that was given.
func (s *scene) extension(by string) access.ExtensionRequest {
	s.t.Helper()
	in, complete := policy.InputFromLedger(ledger.Request{Plan: s.plan, Facts: s.facts}, s.now)
	require.True(s.t, complete)
	end := s.known.Leases[0].End
	answer, err := s.policy.DecideExtension(in, s.plan, by, access.Duration(6*time.Hour), s.now)
	require.NoError(s.t, err)
	require.Empty(s.t, answer.Refusal)
	x := access.ExtensionRequest{
		Request: run.Request, Run: run.ID, PlanHash: s.plan.Hash, At: s.now, By: by,
		Duration: access.Duration(2 * time.Hour), From: end, EndsAt: end.Add(2 * time.Hour), Approval: answer.Approval,
		Signed: access.Unsigned,
	}
	if s.signers != nil {
		x.SignedAt = s.now
		x.Signature, x.Signed = s.sign(by, signing.OfExtension(x)), s.keys[by].Fingerprint()
	}
	x = x.Seal()
	s.record(run.ExtensionRequestKey(x), ledger.ExtensionRequest{Extension: x})
	return x
}

func (s *scene) leaseEnd() time.Time {
	s.t.Helper()
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(s.t, err)
	end, err := s.judge().LeaseEnd(s.t.Context(), record)
	require.NoError(s.t, err)
	return end
}

// An extension is approved by those who may approve the grant: neither its requester, nor its recipient, nor who asks
// for the extension, whatever the workflow lets through.
func TestExtension_WhoApproves(t *testing.T) {
	t.Parallel()
	const text = "groups: {leads: [bob@example.com, carol@example.com, dave@example.com, ana@example.com]}\n" +
		"rules: [{name: leads, approvals: [{need: 1, from: [leads]}]}]\n"
	for by, moves := range map[string]bool{bob: false, carol: true, dave: false, "ana@example.com": false} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			onBoth(t, text, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
				s.requested()
				s.decided(s.decision(carol, "approve"))
				s.given()
				x := s.extension(dave)
				d := access.Decision{At: s.now, By: by, Action: "approve", PlanHash: x.Hash, Signed: access.Unsigned}
				s.decided(s.signed(d))
				want := x.From
				if moves {
					want = x.EndsAt
				}
				require.Equal(t, want, s.leaseEnd())
			})
		})
	}
}

// A no to an offboarding stands, also after it was planned again and somebody has approved that.
func TestWrite_OffboardDeniedBeforeItWasPlannedAgain(t *testing.T) {
	t.Parallel()
	const text = "groups: {leads: [carol@example.com, dave@example.com]}\n" +
		"rules: [{name: ends, for: [offboard], approvals: [{need: 1, from: [leads]}]}]\n"
	onBoth(t, text, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.spec.Op, s.spec.Role, s.spec.Scope = access.OpDelete, access.RoleSelector{}, access.ScopeSelector{}
		s.spec.Terms.Duration = 0
		s.requested()
		s.decided(s.decision(carol, "deny"))
		s.plannedAgain()
		s.now = s.now.Add(time.Minute)
		s.decided(s.decision(dave, "approve"))
		requireReason(t, authority.NotApproved, s.write(access.OpDelete))
	})
}
