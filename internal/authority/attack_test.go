package authority_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
)

// Where signatures are required, nobody makes a request impossible by a release of what it has
// not given yet. A request that was cancelled, or whose write has no proof, is released.
func TestRelease_OfNothingGiven(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		happens func(s *scene)
		covered bool
	}{
		"pending":           {func(*scene) {}, false},
		"approved":          {func(s *scene) { s.decided(s.decision(carol, "approve")) }, false},
		"cancelled":         {func(s *scene) { s.record(run.CancelledKey(), ledger.Cancelled{}) }, true},
		"written, unproven": {func(s *scene) { s.written(0) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, oneLead, true).requested()
			tc.happens(s)
			v := s.write(access.OpRelease)
			if tc.covered {
				require.True(t, v.Covered(), v.Text)
				return
			}
			requireReason(t, authority.NotDue, v)
		})
	}
}

// written puts on record that the role was sent, with no proof.
func (s *scene) written(n int) {
	s.t.Helper()
	key := ledger.WriteKey(access.ChangeKey(run.String(), access.OpAcquire), n)
	s.record(key, ledger.Write{
		Write: access.Write{At: s.now, Before: holdings(viewer), After: holdings(viewer, soc)},
		Roles: &ledger.RoleWrite{},
	})
}

// Nor does one, or a cancellation that nobody has signed, make the access overdue: the system would try to release it
// until its end, and would succeed where the signatures cannot be checked.
func TestClaim_EntriesThatEndNothing(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(s *scene){
		"receipt": func(s *scene) {
			s.record(run.ReceiptKey(), ledger.Receipt{Receipt: access.Receipt{State: "cancelled", FinishedAt: s.now}})
		},
		"cancelled": func(s *scene) { s.record(run.CancelledKey(), ledger.Cancelled{}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, oneLead, true).requested()
			s.decided(s.decision(carol, "approve"))
			s.given()
			happens(s)
			record, err := authority.RecordOf(s.entries, run)
			require.NoError(t, err)
			claim, found := s.judge().Claim(t.Context(), record)
			require.True(t, found)
			require.Equal(t, noon.Add(4*time.Hour), claim.Due)
			require.Equal(t, authority.DueEnd, claim.Why)

			s.signers, s.now = nil, s.now.Add(time.Hour)
			_, err = s.judge().Write(t.Context(), record, authority.Change{
				Principal: ana, Op: access.OpRelease, Known: s.known, Now: s.now,
				Step: s.known.Apply(access.Change{Op: access.OpRelease, Lease: s.known.Leases[0]}, s.known.Proven),
			})
			require.ErrorContains(t, err, "ALLOWED_SIGNERS", "it waits for its end")
		})
	}
}

// A receipt that somebody had written early ends nothing early.
func TestRelease_ReceiptIsNoReason(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	s.decided(s.decision(carol, "approve"))
	s.given()
	s.record(run.ReceiptKey(), ledger.Receipt{Receipt: access.Receipt{State: "granted"}})
	requireReason(t, authority.NotDue, s.write(access.OpRelease))
	s.now = s.now.Add(4 * time.Hour)
	v := s.write(access.OpRelease)
	require.True(t, v.Covered(), v.Text)
}

// A denial stands when the key that signed it is revoked later.
func TestWrite_DeniedByAKeyThatWasRevoked(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	s.decided(s.decision(carol, "deny"))
	s.now = s.now.Add(time.Minute)
	s.decided(s.decision(dave, "approve"))
	s.revoke(carol)
	requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
}

// Evidence names the extensions that people were asked about, in their words.
func TestRecord_ForgedExtensions(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	asked := access.ExtensionRequest{
		By: bob, Duration: access.Duration(time.Hour), EndsAt: noon.Add(5 * time.Hour),
	}.Seal()
	forged := asked
	forged.EndsAt, forged.Hash = noon.AddDate(1, 0, 0), "forged"
	s.record(run.ExtensionRequestKey(asked), ledger.ExtensionRequest{Extension: asked})
	for step, x := range map[string]access.Extension{
		"extend/1": {By: carol, EndsAt: noon.AddDate(1, 0, 0)},
		"extend/2": {By: carol, EndsAt: noon.AddDate(1, 0, 0), Asked: &forged},
		"extend/3": {
			By: carol, EndsAt: noon.AddDate(1, 0, 0), Asked: &asked,
			Decisions: []access.Decision{{By: carol, Action: "approve"}},
		},
	} {
		s.record(ledger.ExtensionKey(run.String()+"/"+step), ledger.Extension{Extension: x})
	}
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(t, err)
	require.Equal(t, []access.Extension{
		{By: bob, Duration: asked.Duration, EndsAt: asked.EndsAt, Asked: &asked},
	}, record.Extended())
}

// A plan that is recorded once access was given changes nothing: otherwise the end that an approver
// has shortened would be the requested one again.
func TestRelease_PlannedAgainAfterItWasGiven(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	short := s.decision(carol, "approve")
	short.Duration = access.Duration(time.Hour)
	s.decided(s.signed(short))
	s.given()
	s.plannedAgain()
	s.now = noon.Add(time.Hour)
	v := s.write(access.OpRelease)
	require.True(t, v.Covered(), v.Text)
}

// plannedAgain puts a second plan on record that differs from the first in its notes only.
func (s *scene) plannedAgain() {
	s.t.Helper()
	s.plan.Expected = access.AlreadyHeld
	s.plan = s.plan.Seal()
	s.record(run.RequestKey(1), ledger.Request{Plan: s.plan, SignaturesRequired: s.signers != nil, Facts: s.facts})
}

// Nor does another plan of the run make a no undone.
func TestWrite_DeniedBeforeItWasPlannedAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, oneLead, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.decided(s.decision(carol, "deny"))
		s.plannedAgain()
		s.now = s.now.Add(time.Minute)
		s.decided(s.decision(dave, "approve"))
		requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
	})
}

// A signed no that an attacker has had recorded as one that does not count stands, for whatever
// step they say it is, and whoever else approves then.
func TestWrite_DenialRecordedAsRefused(t *testing.T) {
	t.Parallel()
	const twoSteps = "groups: {leads: [carol@example.com], owners: [dave@example.com]}\n" +
		"rules: [{name: both, permanent: true, approvals: [{need: 1, from: [leads]}, {need: 1, from: [owners]}]}]\n"
	for _, who := range []string{carol, dave} {
		s := newScene(t, twoSteps, true).requested()
		no := s.decision(who, "deny")
		no.Step = 9 // which nobody signs
		s.refused(no, "whatever the attacker says")
		s.now = s.now.Add(time.Minute)
		s.decided(s.decision(carol, "approve"))
		second := s.decision(dave, "approve")
		second.Step = 1
		s.decided(second)
		requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
	}
	s := newScene(t, twoSteps, true).requested()
	s.refused(s.decision(bob, "deny"), "requesters do not decide")
	s.now = s.now.Add(time.Minute)
	s.decided(s.decision(carol, "approve"))
	second := s.decision(dave, "approve")
	second.Step = 1
	s.decided(second)
	v := s.write(access.OpAcquire)
	require.True(t, v.Covered(), v.Text)
}

// A request ends in no state that there is not, and not as if it had given access that it has not.
func TestRecord_ForgedEnds(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(t, err)
	for _, state := range []string{"approved", "", "expired", "ended", "granted", "denied"} {
		require.NotEmpty(t, record.Unsupported(state, s.now), state)
	}
	for _, state := range []string{"cancelled", "refused", "failed"} {
		require.Empty(t, record.Unsupported(state, s.now), state)
	}
}

// A no that came when it was approved already was refused with that reason and forbids nothing, as the
// workflow has it. One that was suppressed before that does.
func TestWrite_DenialThatCameTooLate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		by      string
		first   bool
		covered bool
	}{
		"after the approval, by the same person": {carol, false, true},
		"after the approval":                     {dave, false, true},
		"suppressed before it":                   {dave, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, oneLead, true).requested()
			no := ledger.Decision{Decision: s.decision(tc.by, "deny"), Refusal: "it does not count"}
			if tc.first {
				s.record(ledger.DecisionEntryKey(run.DecisionKey(no.Decision, no.Refusal), 9), no)
			}
			s.now = s.now.Add(time.Second)
			s.decided(s.decision(carol, "approve"))
			if !tc.first {
				s.now = s.now.Add(time.Second)
				no.Decision = s.decision(tc.by, "deny")
				s.record(ledger.DecisionEntryKey(run.DecisionKey(no.Decision, no.Refusal), 9), no)
			}
			v := s.write(access.OpAcquire)
			require.Equal(t, tc.covered, v.Covered(), v.Text)
		})
	}
}
