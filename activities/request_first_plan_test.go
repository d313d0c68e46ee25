package activities

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// The input of a plan chooses no policy: the first plan follows the worker's own, and later
// ones the policy of the first one in the ledger, whatever else the store has kept.
func TestPlan_ChoosesNoPolicy(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	lax := autoApprovePolicy(t)
	require.NoError(t, d.store.KeepPolicy(t.Context(), lax.Hash(), "old.yaml", lax.Text()))
	d.followPolicy(policyOfText(t, twoOfSoc))
	in := d.grantInput()
	in.Policy = lax.Hash()
	require.Equal(t, "two", d.plan(in).Plan.Approval.Rule)
	in.Round = 1
	require.Equal(t, "two", d.plan(in).Plan.Approval.Rule)
	in.Round, in.Policy = 2, ""
	d.followPolicy(lax)
	require.Equal(t, "two", d.plan(in).Plan.Approval.Rule)
}

// A later plan needs a first one in the ledger of its own run.
func TestPlan_AnewWithoutTheFirst(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.grantInput()
	d.plan(in)
	in.Round = 1
	require.Empty(t, d.plan(in).Plan.Refusal)
	in.Request.Run = "another"
	before := len(d.console.Requests())
	require.Contains(t, d.refusal(in), "the ledger has no first plan of this request")
	require.Len(t, d.console.Requests(), before, "nothing is looked up")
}

// startedBy puts a first plan into the ledger that follows the policy of that hash.
func (d *grantFixture) startedBy(in wire.PlanInput, hash string) wire.PlanInput {
	d.t.Helper()
	plan := access.Plan{Console: d.who.Console, Approval: access.Approval{Hash: hash}}.Seal()
	_, err := d.store.Append(d.t.Context(), d.who.Console, ledger.NewEntry{
		Request: in.Request.ID, Key: runOf(in.Request).RequestKey(0), At: d.now, Body: ledger.Request{Plan: plan},
	})
	require.NoError(d.t, err)
	in.Round = 1
	return in
}

// A request whose policy cannot be had as it was is refused: no other policy takes its place.
func TestPlan_AnewWithoutThePolicy(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	d.store = db
	const unreadable = "rules: [{name: x, unheardOf: 1}]\n"
	strict := policyOfText(t, twoOfSoc)
	require.NoError(t, db.KeepPolicy(t.Context(), policy.HashOf([]byte(unreadable)), "p", []byte(unreadable)))
	raw, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, raw.Close()) })
	_, err = raw.ExecContext(t.Context(), "INSERT INTO policies (hash, name, at, body) VALUES (?, 'p', 0, ?)",
		strict.Hash(), []byte(testbed.AutoApprove))
	require.NoError(t, err)

	d.followPolicy(autoApprovePolicy(t))
	for hash, want := range map[string]string{
		policy.BuiltIn().Hash():           "is not in the store: request again",
		policy.HashOf([]byte(unreadable)): "cannot be read by this release",
		strict.Hash():                     "was changed in the store",
		"":                                "the first plan of this request names no policy",
	} {
		in := d.grantInput()
		in.Request.ID = "grant/" + want[:6] + hash
		in = d.startedBy(in, hash)
		require.Contains(t, d.refusal(in), want)
		require.Empty(t, d.plan(in).Plan.Notes)
	}
	require.Empty(t, d.console.Requests())
}

// A later plan verifies the signature of the first one again: by the keys of now.
func TestPlan_AnewVerifiesTheSignature(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	first := d.plan(in)
	in.Round = 1
	in.Signature = nil
	again := d.plan(in)
	require.Empty(t, again.Plan.Refusal)
	require.Equal(t, first.Signature, again.Signature)

	carol := string(ssh.MarshalAuthorizedKey(d.keys["carol@example.com"].PublicKey()))
	require.NoError(t, os.WriteFile(d.file, []byte("carol@example.com "+carol), 0o600))
	in.Round = 2
	require.Contains(t, d.refusal(in), "invalid signature")
}

// A later plan is about what was signed for the first one.
func TestPlan_AnewSignedAnother(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	d.plan(in)
	in.Round, in.Signature = 1, nil
	in.Role = access.RoleSelector{ID: d.admin.RoleID}
	require.Contains(t, d.refusal(in), "the requester has signed another request, which differs in [role]")
}

// What began unsigned is not planned again once signatures are required, and what began
// signed waits where the worker has no signers any more.
func TestPlan_AnewSignedAsItBegan(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	d.request.signers = nil
	unsigned := d.grantInput()
	unsigned.Request.ID = "grant/unsigned"
	d.plan(unsigned)
	unsigned.Round = 1
	require.Empty(t, d.plan(unsigned).Plan.Refusal)

	signers, err := signing.LoadAllowedSigners(d.file, "")
	require.NoError(t, err)
	d.request.CheckingSignatures(signers)
	unsigned.Round = 2
	require.Contains(t, d.refusal(unsigned), "the request is not signed, and signatures are required")

	in := d.signedInput()
	d.plan(in)
	d.request.signers = nil
	in.Round = 1
	_, err = executeActivity[wire.PlanResult](d.grantFixture, wire.PlanActivity, in)
	require.ErrorContains(t, err, "signatures are required on grant/1 since it began")
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
}

// The signature on a request is about that request: another input with it is refused.
func TestPlan_SignedAnother(t *testing.T) {
	t.Parallel()
	d := newSignedFixture(t)
	in := d.signedInput()
	in.Role = access.RoleSelector{ID: d.admin.RoleID}
	in.Terms.Duration = access.Duration(time.Hour)
	require.Contains(t, d.refusal(in), "the requester has signed another request, which differs in [role terms]")
}

// The ledger holds what the policy has read: decided again from it, the answer is the same.
func TestPlan_RecordsWhatThePolicyReads(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	account := d.console.Truth().Sites[1].AccountID
	p := policyOfText(t, "rules: [{name: a, permanent: true, lastRole: {downgrade: {role: "+d.viewer.RoleID+
		", level: tenant}}, autoApprove: true, when: 'role.predefined && scope.account == \""+account+"\"'}]\n"+
		"separationOfDuties: [{roles: [SOC, Admin], at: scope, reason: four eyes}]\n")
	d.followPolicy(p)
	in := d.grantInput()
	got := d.plan(in)
	require.Empty(t, got.Plan.Refusal)
	entries, err := d.store.LedgerOf(t.Context(), d.who.Console, in.Request.ID)
	require.NoError(t, err)
	kept, err := ledger.DecodeAs[ledger.Request](entries[0])
	require.NoError(t, err)
	require.Equal(t, &ledger.Facts{
		RolePredefined: true, Accounts: map[string]string{d.soc.ScopeID: account},
		RoleNames: map[string]string{d.soc.RoleID: "SOC", d.viewer.RoleID: "Viewer", d.admin.RoleID: "Admin"},
	}, kept.Facts)
	input, complete := policy.InputFromLedger(kept, d.now)
	require.True(t, complete)
	again, err := p.DecideAgain(input, kept.Plan.Approval, d.now)
	require.NoError(t, err)
	require.Equal(t, policy.AgainCovered, again.Verdict, again.Why)

	kept.Facts = nil
	_, complete = policy.InputFromLedger(kept, d.now)
	require.False(t, complete, "as entries of earlier versions")
}

// An offboarding asks whom the policy names; without a rule it asks nobody.
func TestPlan_OffboardingByThePolicy(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	p := m.addLeaver(access.User, nil)
	for mode, op := range map[string]access.Op{"delete": access.OpDelete, "baseline": access.OpReset} {
		m.followPolicy(policyOfText(t, "groups: {soc: [carol@example.com, dora@example.com]}\nrules:\n"+
			"  - {name: all, permanent: true, autoApprove: true}\n"+
			"  - {name: ends, for: [offboard], when: mode == \""+mode+"\", approvals: [{need: 1, from: [soc]}]}\n"))
		plan := m.plan(m.offboardInput(op, p))
		require.Empty(t, plan.Refusal)
		require.Equal(t, "ends", plan.Approval.Rule)
		require.Equal(t, []string{"dora@example.com"}, plan.Approval.Steps[0].People, "not who is offboarded")

		m.followPolicy(policyOfText(t, "rules: [{name: all, permanent: true, autoApprove: true}, "+
			"{name: no, for: [offboard], deny: ask the platform team}]"))
		in := m.offboardInput(op, p)
		in.Request.ID = "offboard/" + mode
		require.Contains(t, m.plan(in).Refusal, "ask the platform team")

		m.followPolicy(policyOfText(t, denies))
		in.Request.ID = "offboard/none-" + mode
		if op == access.OpReset { // the role is not held, and a grant of it is denied
			in.Role, in.Scope = access.RoleSelector{ID: m.role.ID}, access.ScopeSelector{
				Level: access.SiteLevel, ID: p.Held[0].ScopeID,
			}
		}
		plan = m.plan(in)
		require.Empty(t, plan.Refusal)
		require.False(t, plan.Approval.Required)
	}
}
