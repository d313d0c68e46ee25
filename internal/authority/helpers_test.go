package authority_test

import (
	"cmp"
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
)

const (
	acme  = "acmeco.sentinelone.net"
	bob   = "bob@example.com"
	carol = "carol@example.com"
	dave  = "dave@example.com"
)

var (
	noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	run  = ledger.Run{Request: "grant/INC-42", ID: "run"}
	ana  = access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"}

	viewer = access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "200"}
	soc    = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}
	admin  = access.Holding{Level: access.SiteLevel, RoleID: "303", ScopeID: "201"}
)

// oneLead is a policy by which carol or dave decides; bob's requests for breakfast need
// nobody.
const oneLead = `
groups: {leads: [carol@example.com, dave@example.com]}
rules:
  - {name: leads, permanent: true, approvals: [{need: 1, from: [leads]}]}
`

const twoLeads = `
groups: {leads: [carol@example.com, dave@example.com]}
rules:
  - {name: leads, permanent: true, approvals: [{need: 2, from: [leads]}]}
`

const nobody = "rules:\n  - {name: all, permanent: true, autoApprove: true}\n"

// scene is the ledger of one request and the worker that judges it.
type scene struct {
	t       *testing.T
	now     time.Time
	keys    map[string]sshtest.Key
	file    string
	revoked string
	signers *signing.AllowedSigners
	policy  *policy.Policy
	kept    map[string]*policy.Policy
	frozen  string
	entries []ledger.Entry
	head    ledger.Head
	known   access.OwnershipState
	spec    access.RequestSpec
	plan    access.Plan
	facts   *ledger.Facts // of the console, as the plan's policy has read them

	planRecipient string // of the plan of a rotation, if it is another than the requested one
}

// newScene begins with bob's request to give ana a role for four hours, planned by a policy.
// Signatures are required if signed.
func newScene(t *testing.T, text string, signed bool) *scene {
	t.Helper()
	s := &scene{t: t, now: noon, kept: map[string]*policy.Policy{}}
	s.policy = s.keep(text)
	s.keys, s.file = sshtest.People(t, bob, carol, dave, "ana@example.com")
	s.revoked = s.file + ".revoked"
	require.NoError(t, os.WriteFile(s.revoked, nil, 0o600))
	if signed {
		var err error
		s.signers, err = signing.LoadAllowedSigners(s.file, s.revoked)
		require.NoError(t, err)
	}
	s.facts = &ledger.Facts{RolePredefined: true, Accounts: map[string]string{soc.ScopeID: "100"}}
	s.known = access.OwnershipState{Known: true, Baseline: holdings(viewer), Proven: holdings(viewer)}
	s.spec = access.RequestSpec{
		Op: access.OpAcquire, Console: acme, Principal: access.PrincipalSelector{Kind: ana.Kind, ID: ana.ID},
		Role:  access.RoleSelector{ID: soc.RoleID},
		Scope: access.ScopeSelector{Level: soc.Level, ID: soc.ScopeID},
		Terms: access.Terms{Requester: bob, Duration: access.Duration(4 * time.Hour)},
	}
	return s
}

func (s *scene) keep(text string) *policy.Policy {
	s.t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(text))
	require.NoError(s.t, err)
	s.kept[p.Hash()] = p
	return p
}

func holdings(list ...access.Holding) access.Holdings {
	var out access.Holdings
	for _, h := range list {
		out.Level = h.Level
		out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out.Normal()
}

// requested puts the request and its plan on record.
func (s *scene) requested() *scene {
	s.t.Helper()
	s.plan = s.planOf(s.spec)
	body := ledger.Request{Plan: s.plan, SignaturesRequired: s.signers != nil, Facts: s.facts}
	if s.signers != nil {
		sig := access.RequestSignature{Request: s.spec, SignedAt: s.now.Add(-time.Minute), At: s.now}
		sig.Signature = s.sign(bob, signing.OfRequest(run.Request, sig))
		body.Signature = &sig
	}
	s.record(run.RequestKey(0), body)
	return s
}

func (s *scene) planOf(spec access.RequestSpec) access.Plan {
	s.t.Helper()
	plan := access.Plan{
		Op: spec.Op, Console: acme, Principal: ana, Role: access.RoleRef{ID: spec.Role.ID},
		Scope: access.ScopeRef{Level: spec.Scope.Level, ID: spec.Scope.ID}, Terms: spec.Terms, Before: holdings(viewer),
	}
	if spec.Rotation != nil {
		plan.Rotation = new(*spec.Rotation)
		plan.Rotation.Recipient = cmp.Or(s.planRecipient, plan.Rotation.Recipient)
	}
	in, _ := policy.InputFromLedger(ledger.Request{Plan: plan, Facts: s.facts}, s.now)
	answer, err := s.policy.Evaluate(in)
	require.NoError(s.t, err)
	plan.Approval, plan.Rules, plan.Refusal = answer.Approval, answer.Rules, answer.Refusal
	return plan.Seal()
}

// record appends an entry under the key as the worker would.
func (s *scene) record(key string, body ledger.Body) {
	s.t.Helper()
	e, err := ledger.NewEntry{Request: run.Request, Key: key, At: s.now, Body: body}.Entry(acme, s.now)
	require.NoError(s.t, err)
	e, s.head = s.head.Chain(e)
	s.entries = append(s.entries, e)
}

func (s *scene) sign(who string, statement signing.Statement) string {
	s.t.Helper()
	out, err := signing.Sign(s.t.Context(), s.keys[who], statement)
	require.NoError(s.t, err)
	return out
}

// decision is one on the plan, signed if signatures are required.
func (s *scene) decision(by, action string) access.Decision {
	s.t.Helper()
	d := access.Decision{
		At: s.now, By: by, Action: action, PlanHash: s.plan.Hash, AskedAt: s.plan0At(), Signed: access.Unsigned,
	}
	return s.signed(d)
}

// signed is the decision with a signature, if signatures are required.
func (s *scene) signed(d access.Decision) access.Decision {
	s.t.Helper()
	if s.signers != nil {
		d.SignedAt = s.now
		d.Signature = s.sign(d.By, signing.OfDecision(run.Request, run.ID, d.PlanHash, d))
		d.Signed = s.keys[d.By].Fingerprint()
	}
	return d
}

func (s *scene) plan0At() time.Time {
	for _, e := range s.entries {
		if e.Kind == ledger.KindRequest {
			return e.At
		}
	}
	return s.now
}

// decided puts a decision on record.
func (s *scene) decided(d access.Decision) {
	s.t.Helper()
	s.refused(d, "")
}

// refused puts a decision on record, with the reason why it does not count.
func (s *scene) refused(d access.Decision, why string) {
	s.t.Helper()
	n := 0
	for _, e := range s.entries {
		if e.Kind == ledger.KindDecision {
			n++
		}
	}
	s.record(ledger.DecisionEntryKey(run.DecisionKey(d, why), n), ledger.Decision{Decision: d, Refusal: why})
}

func (s *scene) judge() authority.Judge {
	return authority.Judge{
		Console: acme, Signers: s.signers,
		Policy: func(_ context.Context, hash string) (*policy.Policy, error) {
			if p, found := s.kept[hash]; found {
				return p, nil
			}
			return nil, authority.ErrNoPolicy
		},
		Delegated: func(context.Context, access.Delegation, time.Time) (string, error) { return "", nil },
		Frozen:    func(context.Context) (string, error) { return s.frozen, nil },
	}
}

// write judges the change of the request that the operation is.
func (s *scene) write(op access.Op) authority.Verdict {
	s.t.Helper()
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(s.t, err)
	change, _, err := s.judge().ChangeOf(s.t.Context(), record, op, s.now)
	require.NoError(s.t, err)
	return s.writeStep(op, s.known.Apply(change, s.known.Proven))
}

// writeStep judges any list, as somebody would send it who changed the worker's mind.
func (s *scene) writeStep(op access.Op, step access.Step) authority.Verdict {
	s.t.Helper()
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(s.t, err)
	v, err := s.judge().Write(s.t.Context(), record, authority.Change{
		Principal: ana, Op: op, Known: s.known, Step: step, Now: s.now,
	})
	require.NoError(s.t, err)
	return v
}

// given puts on record that the role was written and proven, and knows it from then on.
func (s *scene) given() {
	s.t.Helper()
	record, err := authority.RecordOf(s.entries, run)
	require.NoError(s.t, err)
	change, _, err := s.judge().ChangeOf(s.t.Context(), record, access.OpAcquire, s.now)
	require.NoError(s.t, err)
	step, key := s.known.Apply(change, s.known.Proven), access.ChangeKey(run.String(), access.OpAcquire)
	s.record(ledger.WriteKey(key, 0), ledger.Write{
		Write: access.Write{At: s.now, Before: step.Before, After: step.After}, Roles: &ledger.RoleWrite{Step: step},
	})
	s.record(ledger.ProofKey(key), ledger.Proof{
		Proof: access.Proof{
			Op: access.OpAcquire, Key: key, Outcome: access.Applied, Before: step.Before, After: step.After,
		},
		Roles: &ledger.RoleProof{Next: step.Next},
	})
	s.known = step.Next
}

// revoke takes a person's key back, whenever it has signed.
func (s *scene) revoke(who string) {
	s.t.Helper()
	key := ssh.MarshalAuthorizedKey(s.keys[who].PublicKey())
	require.NoError(s.t, os.WriteFile(s.revoked, key, 0o600))
}
