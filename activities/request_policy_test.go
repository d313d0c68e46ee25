package activities

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
)

// Where nobody has named a policy, somebody is asked about each role that is given, and
// nobody about one that is taken away or about an account that ends.
func TestPlan_BuiltInPolicyUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	d.request = NewRequest(d.client, d.store)

	approval := d.plan(d.ask()).Plan.Approval
	require.True(t, approval.Required)
	one := access.ApprovalStep{Need: 1, Groups: []string{access.Anyone}, People: []string{}}
	require.Equal(t, []access.ApprovalStep{one}, approval.Steps)
	require.Equal(t, access.Duration(72*time.Hour), approval.DecideWithin)
	require.Equal(t, policy.BuiltIn().Hash(), approval.Hash)

	in := d.ask()
	in.Request.ID, in.Op = "revoke/1", access.OpRevoke
	approval = d.plan(in).Plan.Approval
	require.False(t, approval.Required)
	require.Equal(t, policy.BuiltIn().Hash(), approval.Hash)

	in = d.ask()
	in.Request.ID, in.Op = "offboard/1", access.OpDelete
	in.Role, in.Scope = access.RoleSelector{}, access.ScopeSelector{}
	require.Equal(t, access.NoApproval(), d.plan(in).Plan.Approval)
}

const (
	oneOfSoc = "groups: {soc: [carol@example.com, dora@example.com]}\n" +
		"rules: [{name: one, permanent: true, approvals: [{need: 1, from: [soc]}]}]\n"
	twoOfSoc = "groups: {soc: [carol@example.com, dora@example.com]}\n" +
		"rules: [{name: two, permanent: true, approvals: [{need: 2, from: [soc]}]}]\n"
	denies = "rules: [{name: no, deny: not any more}]\n"
)

func policyOfText(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(text))
	require.NoError(t, err)
	return p
}

// A worker that is given no policy follows the built-in one: an omission passes nobody over.
func TestFollowing_Nil(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	d.follow(nil)
	require.Equal(t, policy.BuiltIn().Hash(), d.plan(d.ask()).Plan.Approval.Hash)
}

// follow makes the desk a worker of another policy, started anew.
func (d *desk) follow(p *policy.Policy) {
	d.request = NewRequest(d.client, d.store).Following(p)
	d.request.now = func() time.Time { return d.now }
}

// policyAgain asks for a plan of the next round, as after a change of the principal.
func policyAgain(in PlanInput, before access.Plan) PlanInput {
	in.Round++
	in.Policy = before.Approval.Hash
	return in
}

// A request that is planned anew follows the policy it began with, whatever the worker
// follows by then, also the built-in one.
func TestPlan_AnewByTheRecordedPolicy(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]*policy.Policy{
		"a file": policyOfText(t, oneOfSoc), "built in": policy.BuiltIn(),
	} {
		for worker, later := range map[string]*policy.Policy{
			"another policy": policyOfText(t, denies), "the built-in one": nil, "the same": first,
		} {
			t.Run(name+", then "+worker, func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, consoletest.Options{})
				d.follow(first)
				in := d.ask()
				before := d.plan(in).Plan
				require.Equal(t, first.Hash(), before.Approval.Hash)
				d.byHand(having(d.viewer, d.third()))
				d.follow(later)
				for range 2 { // the second time from memory
					in = policyAgain(in, before)
					after := d.plan(in).Plan
					require.Equal(t, before.Approval, after.Approval)
					require.Empty(t, after.Notes)
					require.Equal(t, having(d.viewer, d.third()), after.Before)
					require.NotEqual(t, before.Hash, after.Hash)
				}
			})
		}
	}
}

// A request of a release that did not keep policies follows the worker's, and says so;
// so does one whose policy this release does not read.
func TestPlan_AnewWithoutTheRecordedPolicy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	d.follow(policyOfText(t, twoOfSoc))
	unread := policyHashOf("rules: [{name: x, unheardOf: 1}]\n")
	require.NoError(t, d.store.KeepPolicy(t.Context(), unread, "p", []byte("rules: [{name: x, unheardOf: 1}]\n")))
	in := d.ask()
	for hash, want := range map[string]string{
		policy.BuiltIn().Hash(): "is not recorded: the worker's present one is followed",
		unread:                  "cannot be read any more: the worker's present one is followed",
	} {
		in.Round++
		in.Policy = hash
		plan := d.plan(in).Plan
		require.Equal(t, "two", plan.Approval.Rule)
		require.Len(t, plan.Notes, 1)
		require.Contains(t, plan.Notes[0], want)
	}
}

func policyHashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Dry runs keep nothing.
func TestPlan_KeepsThePolicyWithTheRequest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	p := policyOfText(t, oneOfSoc)
	d.follow(p)
	in := d.ask()
	in.DryRun = true
	d.plan(in)
	_, _, err := d.store.PolicyOf(t.Context(), p.Hash())
	require.Error(t, err)
	in.DryRun = false
	d.plan(in)
	name, text, err := d.store.PolicyOf(t.Context(), p.Hash())
	require.NoError(t, err)
	require.Equal(t, "policy.yaml", name)
	require.Equal(t, oneOfSoc, string(text))
}

func (d *desk) move(in MoveInput) MoveResult {
	d.t.Helper()
	out, err := run[MoveResult](d, MoveName, in)
	require.NoError(d.t, err)
	return out
}

// moving asks to move a request that was planned so.
func (d *desk) moving(in PlanInput, before access.Plan) MoveInput {
	in = policyAgain(in, before)
	in.Decisions = []access.Decision{{By: "carol@example.com", Action: "approve", PlanHash: before.Hash}}
	return MoveInput{
		Plan: in, From: before.Approval.Hash, By: "erin@example.com", Comment: "new rules", At: d.now,
	}
}

// A move plans by the worker's policy and is in the ledger; done again, also by a worker
// of a third policy, it is the same plan.
func TestMove(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	one, two := policyOfText(t, oneOfSoc), policyOfText(t, twoOfSoc)
	d.follow(one)
	before := d.plan(d.ask()).Plan
	d.follow(two)
	in := d.moving(d.ask(), before)
	got := d.move(in)
	require.Empty(t, got.Stays)
	require.Nil(t, got.Receipt)
	require.Equal(t, "two", got.Plan.Approval.Rule)
	require.Equal(t, []string{EntryRequest, EntryPolicyMoved, EntryRequest}, d.ledger("grant/1"))
	e, err := d.store.LedgerEntryByKey(t.Context(), d.who.Console, in.Plan.moveKey())
	require.NoError(t, err)
	require.Equal(t, d.now, e.At)
	var body map[string]string
	require.NoError(t, json.Unmarshal(e.Body, &body))
	require.Equal(t, map[string]string{
		"at": "2026-11-02T09:00:00Z", "from": one.Hash(), "to": two.Hash(), "name": "policy.yaml",
		"by": "erin@example.com", "comment": "new rules",
	}, body)

	for _, p := range []*policy.Policy{two, one, policyOfText(t, denies), nil} {
		d.follow(p)
		require.Equal(t, got.Plan, d.move(in).Plan)
	}
	require.Len(t, d.ledger("grant/1"), 3)
}

// An attempt that died behind the ledger's entry is carried on with the policy that that
// names.
func TestMove_DiedAmidIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	d.follow(policyOfText(t, oneOfSoc))
	before := d.plan(d.ask()).Plan
	two := policyOfText(t, twoOfSoc)
	d.follow(two)
	in := d.moving(d.ask(), before)
	asked := in.Plan
	asked.moved = &policyMoved{From: in.From, By: in.By, At: in.At}
	require.NoError(t, d.request.keepPolicy(t.Context(), asked, access.Plan{
		Approval: access.Approval{Hash: two.Hash()},
	}))
	d.follow(policyOfText(t, denies))
	got := d.move(in)
	require.Equal(t, two.Hash(), got.Plan.Approval.Hash)
	require.Empty(t, got.Plan.Refusal)
}

// To the policy it follows already nothing is moved.
func TestMove_Stays(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	one := policyOfText(t, oneOfSoc)
	d.follow(one)
	before := d.plan(d.ask()).Plan
	in := d.moving(d.ask(), before)
	require.Contains(t, d.move(in).Stays, "it follows the worker's present policy already: policy.yaml")
	require.Equal(t, []string{EntryRequest}, d.ledger("grant/1"))
}

// Of a request that the other policy refuses there is a plan with the reason, and no
// receipt: should nobody learn of this any more, the request goes on, and ends otherwise.
func TestMove_Refused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, consoletest.Options{})
	d.follow(policyOfText(t, oneOfSoc))
	before := d.plan(d.ask()).Plan
	d.follow(policyOfText(t, denies))
	in := d.moving(d.ask(), before)
	got := d.move(in)
	require.Nil(t, got.Receipt)
	require.Contains(t, got.Plan.Refusal, "not any more")
	require.Equal(t, []string{EntryRequest, EntryPolicyMoved, EntryRequest}, d.ledger("grant/1"))
	require.Equal(t, got, d.move(in))
}
