package authority_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
)

// onBoth runs a test with claimed names and with signatures.
func onBoth(t *testing.T, text string, test func(t *testing.T, s *scene)) {
	t.Helper()
	for name, signed := range map[string]bool{"claimed": false, "signed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newScene(t, text, signed))
		})
	}
}

func requireReason(t *testing.T, want authority.Reason, v authority.Verdict) {
	t.Helper()
	require.Equal(t, authority.Unauthorized, v.Answer, v.Text)
	require.Equal(t, want, v.Reason, v.Text)
	require.NotEmpty(t, v.Text)
}

func TestWrite_Approved(t *testing.T) {
	t.Parallel()
	onBoth(t, oneLead, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		requireReason(t, authority.NoRequest, s.writeStep(access.OpAcquire, access.Step{After: holdings(viewer, soc)}))
		s.requested()
		requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
		s.decided(s.decision(carol, "approve"))
		v := s.write(access.OpAcquire)
		require.True(t, v.Covered(), v.Text)
	})
}

// Two distinct people are two approvals, one person twice is not.
func TestWrite_TwoPeople(t *testing.T) {
	t.Parallel()
	onBoth(t, twoLeads, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.decided(s.decision(carol, "approve"))
		s.decided(s.decision(carol, "approve"))
		requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
		s.decided(s.decision(dave, "approve"))
		v := s.write(access.OpAcquire)
		require.True(t, v.Covered(), v.Text)
	})
}

// A denial on record stands, whatever is approved before or after it.
func TestWrite_Denied(t *testing.T) {
	t.Parallel()
	onBoth(t, oneLead, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.decided(s.decision(carol, "deny"))
		s.now = s.now.Add(time.Minute)
		s.decided(s.decision(dave, "approve"))
		requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
	})
}

// An unsigned decision, one of another name, and one on another plan or run count for
// nothing where signatures are required.
func TestWrite_SignaturesThatDoNotCount(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *scene, d *access.Decision){
		"unsigned": func(_ *scene, d *access.Decision) { d.Signature = "" },
		"somebody else's": func(s *scene, d *access.Decision) {
			d.Signature = s.sign(bob, signing.OfDecision(run.Request, run.ID, d.PlanHash, *d))
		},
		"another run": func(s *scene, d *access.Decision) {
			d.Signature = s.sign(carol, signing.OfDecision(run.Request, "other", d.PlanHash, *d))
		},
		"a denial": func(s *scene, d *access.Decision) {
			no := *d
			no.Action = "deny"
			d.Signature = s.sign(carol, signing.OfDecision(run.Request, run.ID, d.PlanHash, no))
		},
		"by the requester": func(s *scene, d *access.Decision) { *d = s.decision(bob, "approve") },
		"by the recipient": func(s *scene, d *access.Decision) {
			*d = s.decision("ana@example.com", "approve")
		},
		"of another plan":           func(_ *scene, d *access.Decision) { d.PlanHash = "" },
		"its key is listed no more": func(s *scene, _ *access.Decision) { s.revoke(carol) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, oneLead, true).requested()
			d := s.decision(carol, "approve")
			spoil(s, &d)
			s.decided(d)
			requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
		})
	}
}

// The requester's signature is asked for at every write, and is about this request.
func TestWrite_RequestNotSigned(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, true)
	s.plan = s.planOf(s.spec)
	s.record(run.RequestKey(0), ledger.Request{Plan: s.plan})
	requireReason(t, authority.NotSigned, s.write(access.OpAcquire))

	other := newScene(t, nobody, true)
	sig := access.RequestSignature{Request: other.spec, SignedAt: noon}
	sig.Signature = other.sign(bob, signing.OfRequest(run.Request, sig))
	other.spec.Role.ID = admin.RoleID
	other.plan = other.planOf(other.spec)
	other.record(run.RequestKey(0), ledger.Request{Plan: other.plan, Signature: &sig, Facts: &ledger.Facts{}})
	requireReason(t, authority.NotSigned, other.write(access.OpAcquire))

	gone := newScene(t, nobody, true).requested()
	require.True(t, gone.write(access.OpAcquire).Covered())
	gone.revoke(bob)
	requireReason(t, authority.NotSigned, gone.write(access.OpAcquire))
}

// What began signed waits while the files cannot be read or are configured no more.
func TestWrite_WaitsForTheSigners(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	s.decided(s.decision(carol, "approve"))
	require.NoError(t, os.Rename(s.file, s.file+".away"))
	s.requireNoVerdict()
	require.NoError(t, os.Rename(s.file+".away", s.file))
	require.True(t, s.write(access.OpAcquire).Covered())
	s.signers = nil
	s.requireNoVerdict()
}

func (s *scene) requireNoVerdict() {
	s.t.Helper()
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(s.t, err)
	_, err = s.judge().Write(s.t.Context(), record, authority.Change{
		Principal: ana, Op: access.OpAcquire,
		Known: s.known, Now: s.now, Step: access.Step{After: holdings(viewer, soc)},
	})
	require.Error(s.t, err)
}

// What is sent is judged, not what it is called.
func TestWrite_OtherEffect(t *testing.T) {
	t.Parallel()
	onBoth(t, oneLead, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.decided(s.decision(carol, "approve"))
		before := holdings(viewer)
		for name, step := range map[string]access.Step{
			"another role": {Before: before, After: holdings(viewer, admin)},
			"one more": {
				Before: before,
				After:  holdings(viewer, soc, access.Holding{Level: soc.Level, RoleID: "9", ScopeID: "9"}),
			},
			"another level": {
				Before: before, After: holdings(access.Holding{Level: access.Tenant, RoleID: soc.RoleID}),
			},
			"a deletion":         {Before: before, Delete: true},
			"a downgrade":        {Before: before, After: holdings(admin), LastRole: access.LastRoleDowngrade},
			"a deletion by rule": {Before: before, Delete: true, LastRole: access.LastRoleDelete},
		} {
			requireReason(t, authority.NotOnRecord, s.writeStep(access.OpAcquire, step))
			_ = name
		}
		for _, op := range []access.Op{access.OpGrant, access.OpRevoke, access.OpReset, access.OpDelete, "anything"} {
			requireReason(t, authority.OtherChange,
				s.writeStep(op, access.Step{Before: before, After: holdings(viewer, soc)}))
		}
		record, err := authority.RecordOf(s.entries, run)
		require.NoError(t, err)
		requireReason(t, authority.OtherChange,
			record.About(access.PrincipalRef{Kind: ana.Kind, ID: "9"}, access.OpAcquire))
	})
}

// A lease that was released, and a request that has ended, give nothing again.
func TestWrite_NotAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, nobody, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested().given()
		require.True(t, s.write(access.OpAcquire).Covered(), "it is in force")
		s.now = s.now.Add(5 * time.Hour)
		requireReason(t, authority.NotApproved, s.write(access.OpAcquire))
		s.now = noon.Add(time.Hour)
		s.record(ledger.ProofKey(access.ChangeKey(run.String(), access.OpRelease)), ledger.Proof{
			Proof: access.Proof{Op: access.OpRelease, Outcome: access.Released}, Roles: &ledger.RoleProof{},
		})
		requireReason(t, authority.HasEnded, s.write(access.OpAcquire))
	})
	onBoth(t, nobody, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.record(run.ReceiptKey(), ledger.Receipt{Receipt: access.Receipt{State: "denied"}})
		requireReason(t, authority.HasEnded, s.write(access.OpAcquire))
	})
	onBoth(t, nobody, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.record(run.CancelledKey(), ledger.Cancelled{})
		requireReason(t, authority.WasStopped, s.write(access.OpAcquire))
	})
}

// The time counts from the first write, however often the request begins anew.
func TestChangeOf_EndCountsFromTheFirstWrite(t *testing.T) {
	t.Parallel()
	onBoth(t, nobody, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		end := func() time.Time {
			record, err := authority.RecordOf(s.entries, run)
			require.NoError(t, err)
			change, _, err := s.judge().ChangeOf(t.Context(), record, access.OpAcquire, s.now)
			require.NoError(t, err)
			return change.Lease.End
		}
		require.Equal(t, noon.Add(4*time.Hour), end())
		s.now = noon.Add(time.Hour)
		require.Equal(t, noon.Add(5*time.Hour), end(), "it has not begun")
		s.given()
		s.now = noon.Add(3 * time.Hour)
		require.Equal(t, noon.Add(5*time.Hour), end())
	})
}

// A release waits for its end, or for somebody who ends it; where names are claims, it
// does not.
func TestRelease_NotBeforeItsEnd(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, true).requested()
	requireReason(t, authority.NotDue, s.write(access.OpRelease)) // it would cancel the request, unsigned
	s.given()
	requireReason(t, authority.NotDue, s.write(access.OpRelease))
	s.now = noon.Add(4*time.Hour - 30*time.Second)
	require.True(t, s.write(access.OpRelease).Covered(), "clocks differ")
	s.frozen = "since noon, by bob"
	s.revoke(bob)
	require.True(t, s.write(access.OpRelease).Covered(), "an end waits for nothing")

	claimed := newScene(t, nobody, false).requested()
	claimed.given()
	require.True(t, claimed.write(access.OpRelease).Covered())
}

// A release gives back what its lease replaced, as the ledger has it, and nothing else.
func TestRelease_GivesBackWhatItReplaced(t *testing.T) {
	t.Parallel()
	onBoth(t, nobody, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.known.Baseline, s.known.Proven = holdings(viewer, admin), holdings(viewer, admin)
		s.requested().given()
		require.Equal(t, holdings(viewer, soc), s.known.Proven)
		s.now = noon.Add(4 * time.Hour)
		require.True(t, s.write(access.OpRelease).Covered())
		requireReason(t, authority.NotOnRecord, s.writeStep(access.OpRelease, access.Step{
			Before: s.known.Proven, After: holdings(viewer,
				access.Holding{Level: soc.Level, RoleID: "9", ScopeID: "201"}),
		}))
	})
}

func TestWrite_Frozen(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, false).requested()
	s.frozen = "since noon, by bob@example.com"
	v := s.write(access.OpAcquire)
	require.Equal(t, authority.NotNow, v.Answer)
	require.Contains(t, v.Text, "bob@example.com")
}

func TestWrite_PolicyIsTheFirstPlans(t *testing.T) {
	t.Parallel()
	onBoth(t, oneLead, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.decided(s.decision(carol, "approve"))
		s.policy = s.keep(nobody)
		later := s.planOf(s.spec)
		s.record(run.RequestKey(1), ledger.Request{
			Plan: later, SignaturesRequired: s.signers != nil, Facts: &ledger.Facts{},
		})
		requireReason(t, authority.PolicyForbids, s.write(access.OpAcquire))
	})
	onBoth(t, nobody, func(t *testing.T, s *scene) { //nolint:thelper // it is the test
		s.requested()
		s.kept = nil
		requireReason(t, authority.PolicyMissing, s.write(access.OpAcquire))
	})
}
