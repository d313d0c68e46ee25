package receipt_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
)

const (
	ana   = "ana@example.com"
	bob   = "bob@example.com"
	carol = "carol@example.com"
	dave  = "dave@example.com"
	host  = "acmeco.sentinelone.net"
)

// noon is when requests are made; they are approved and applied within the minute.
var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// policyText is the policy of the plans.
const policyText = `groups:
  leads: [carol@example.com, dave@example.com]
rules:
  - name: revokes
    for: [revoke]
    autoApprove: true
  - name: own team
    when: requester == "carol@example.com"
    autoApprove: true
    permanent: true
    maxDuration: 8h
  - name: glass
    when: breakGlass
    breakGlass: {reviewWithin: 24h, reviewers: {need: 1, from: [leads]}}
    approvals: [{need: 1, from: [leads]}]
    maxDuration: 8h
  - name: others
    approvals: [{need: 1, from: [leads]}]
    permanent: true
    maxDuration: 8h
`

// scene has people with keys, a sealed ledger and a policy.
type scene struct {
	*testing.T

	keys   map[string]sshtest.Key
	sealer *ledger.SealKey
	with   receipt.Means
}

func newScene(t *testing.T) *scene {
	t.Helper()
	keys, file := sshtest.People(t, ana, bob, carol, dave)
	allowed, err := signing.LoadAllowedSigners(file, "")
	require.NoError(t, err)
	p, err := policy.Parse("policy.yaml", []byte(policyText))
	require.NoError(t, err)
	sealer := ledger.NewSealKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize))))
	public := sealer.Public()
	with := receipt.Means{Allowed: allowed, LedgerKey: &public, Policy: p}
	return &scene{T: t, keys: keys, sealer: sealer, with: with}
}

// The role that is requested, and two that the principal has.
var (
	soc    = access.Holding{Level: access.SiteLevel, RoleID: "21", ScopeID: "31"}
	viewer = access.Holding{Level: access.SiteLevel, RoleID: "22", ScopeID: "31"}
	other  = access.Holding{Level: access.SiteLevel, RoleID: "23", ScopeID: "32"}
	admin  = access.Holding{Level: access.SiteLevel, RoleID: "24", ScopeID: "33"}
)

func holding(all ...access.Holding) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for _, h := range all {
		out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out.Normal()
}

// request is what is requested: soc for ana, at the scope at which she is a viewer.
type request struct {
	op       access.Op
	by       string
	duration time.Duration
	glass    bool
}

// planned is a receipt of the request, planned by the policy, without changes or decisions yet.
func (s *scene) planned(q request) access.Receipt {
	s.Helper()
	terms := access.Terms{
		Requester: q.by, Reason: "INC-42", Duration: access.Duration(q.duration), BreakGlass: q.glass,
	}
	spec := access.RequestSpec{
		Op: q.op, Console: host, Principal: access.PrincipalSelector{Kind: access.User, Email: ana},
		Role: access.RoleSelector{ID: soc.RoleID}, Scope: access.ScopeSelector{Level: soc.Level, ID: soc.ScopeID},
		Terms: terms,
	}
	before, after := holding(viewer, other), holding(soc, other)
	effect := &access.Effect{
		Gains: []access.Holding{soc}, Loses: []access.Holding{viewer}, Replaced: []access.Holding{viewer},
	}
	if q.op == access.OpRevoke {
		before, after = holding(soc, other), holding(other)
		effect = &access.Effect{Loses: []access.Holding{soc}}
	}
	plan := access.Plan{
		Op: q.op, Console: host, Principal: access.PrincipalRef{Kind: access.User, ID: "11", Email: ana},
		Role: access.RoleRef{ID: soc.RoleID, Name: "SOC"}, Scope: access.ScopeRef{Level: soc.Level, ID: soc.ScopeID},
		Terms: terms, Effect: effect, Before: before, After: after,
	}
	answer, err := s.with.Policy.Evaluate(policy.InputFromPlan(plan, noon))
	require.NoError(s, err)
	require.Empty(s, answer.Refusal)
	plan.Approval, plan.Rules = answer.Approval, answer.Rules
	r := access.Receipt{
		Request: "grant/INC-42", Run: "run-1", Plan: plan.Seal(), Facts: &access.PolicyFacts{},
		StartedAt: noon, FinishedAt: noon.Add(time.Minute),
		RequestSignature: &access.RequestSignature{Request: spec, SignedAt: noon, At: noon},
	}
	own := r.RequestSignature
	own.Signature, own.Signed = s.sign(q.by, signing.OfRequest(r.Request, *own))
	return s.headed(r, host)
}

// headed has the receipt carry a sealed head.
func (s *scene) headed(r access.Receipt, console string) access.Receipt {
	h := ledger.Head{Seq: 1204, Hash: strings.Repeat("a", 64)}
	r.LedgerHead = &access.LedgerHead{Console: console, Seq: h.Seq, Hash: h.Hash, Seal: s.sealer.Seal(console, h)}
	return r
}

func (s *scene) sign(who string, st signing.Statement) (signature, fingerprint string) {
	s.Helper()
	signature, err := signing.Sign(s.Context(), s.keys[who], st)
	require.NoError(s, err)
	return signature, s.keys[who].Fingerprint()
}

// decision is somebody's signed decision on something with that hash.
func (s *scene) decision(r access.Receipt, action, who, hash string, at time.Time) access.Decision {
	s.Helper()
	d := access.Decision{At: at, By: who, Action: action, SignedAt: at, PlanHash: hash}
	d.Signature, d.Signed = s.sign(who, signing.OfDecision(r.Request, r.Run, hash, d))
	return d
}

// decide adds a decision on the plan half a minute after the request.
func (s *scene) decide(r *access.Receipt, action, who string) {
	s.Helper()
	r.Decisions = append(r.Decisions, s.decision(*r, action, who, r.Plan.Hash, noon.Add(30*time.Second)))
}

// proof is a change by one write, read back once, and once more if it removes something.
func proof(
	r access.Receipt, op access.Op, outcome access.Outcome, at time.Time, before, after access.Holdings,
) access.Proof {
	p := access.Proof{
		Op: op, Key: access.ChangeKey(r.Request+"#"+r.Run, op), Outcome: outcome, Before: before, After: after,
		Writes: []access.Write{{At: at, Call: "PUT /users/11", Status: 200, Before: before, After: after}},
		Reads:  []access.Read{{At: at.Add(-time.Second), Holdings: before}, {At: at.Add(time.Second), Holdings: after}},
	}
	if outcome == access.Released || outcome == access.Removed {
		p.Confirmed = true
		p.Reads = append(p.Reads, access.Read{At: at.Add(6 * time.Second), Holdings: after})
	}
	return p
}

// released is the release of the role at a time, which gives the viewer's role back.
func released(r access.Receipt, at time.Time) access.Proof {
	return proof(r, access.OpRelease, access.Released, at, holding(soc, other), holding(viewer, other))
}

// applied is the permanent grant of the role at a time.
func applied(r access.Receipt, at time.Time) []access.Proof {
	return []access.Proof{proof(r, access.OpGrant, access.Applied, at, holding(viewer, other), holding(soc, other))}
}

// given is when the role is given.
var given = noon.Add(40 * time.Second)

// expired is a grant for four hours that carol approved, and that has ended.
func (s *scene) expired() access.Receipt {
	s.Helper()
	r := s.planned(request{op: access.OpAcquire, by: bob, duration: 4 * time.Hour})
	s.decide(&r, "approve", carol)
	with, without := holding(soc, other), holding(viewer, other)
	end := given.Add(4*time.Hour + time.Second)
	r.State, r.Outcome, r.FinishedAt = "expired", access.Released, end.Add(time.Minute)
	r.Proofs = []access.Proof{
		proof(r, access.OpAcquire, access.Applied, given, without, with),
		proof(r, access.OpRelease, access.Released, end, with, without),
	}
	return r
}

// granted is a permanent grant that carol approved.
func (s *scene) granted() access.Receipt {
	s.Helper()
	r := s.planned(request{op: access.OpGrant, by: bob})
	s.decide(&r, "approve", carol)
	r.State, r.Outcome = "granted", access.Applied
	r.Proofs = applied(r, given)
	return r
}

// ended is a grant that bob ended after an hour.
func (s *scene) ended() access.Receipt {
	s.Helper()
	r := s.expired()
	r.State = "ended"
	at := given.Add(time.Hour)
	r.Stop = &access.Stop{At: at, Action: "end", By: bob, SignedAt: at}
	r.Stop.Signature, r.Stop.Signed = s.sign(bob, signing.OfStop(r.Request, r.Run, *r.Stop))
	r.Proofs[1] = released(r, at.Add(time.Second))
	r.FinishedAt = at.Add(time.Minute)
	return r
}

// extended is a grant for four hours, and two more that bob asked for and dave approved.
func (s *scene) extended() access.Receipt {
	s.Helper()
	r := s.expired()
	from := given.Add(4*time.Hour + time.Second)
	asked := access.ExtensionRequest{
		Request: r.Request, Run: r.Run, PlanHash: r.Plan.Hash, At: given.Add(time.Hour), By: bob,
		Duration: access.Duration(2 * time.Hour), From: from, EndsAt: from.Add(2 * time.Hour),
		SignedAt: given.Add(time.Hour), Approval: r.Plan.Approval,
	}
	asked.Signature, asked.Signed = s.sign(bob, signing.OfExtension(asked))
	asked = asked.Seal()
	at := given.Add(2 * time.Hour)
	r.Extensions = []access.Extension{{
		At: at, By: bob, Duration: asked.Duration, EndsAt: asked.EndsAt, Asked: &asked,
		Decisions: []access.Decision{s.decision(r, "approve", dave, asked.Hash, at)},
	}}
	r.Proofs[1] = released(r, asked.EndsAt)
	r.FinishedAt = asked.EndsAt.Add(time.Minute)
	return r
}

// glass is break-glass access for four hours that nobody has reviewed yet when it has ended.
func (s *scene) glass() access.Receipt {
	s.Helper()
	r := s.planned(request{op: access.OpAcquire, by: bob, duration: 4 * time.Hour, glass: true})
	done := s.expired()
	r.State, r.Outcome, r.Proofs, r.FinishedAt = done.State, done.Outcome, done.Proofs, given.Add(25*time.Hour)
	return r
}

// ownTeam is a permanent grant that the policy gives to a requester without asking anybody.
func (s *scene) ownTeam() access.Receipt {
	s.Helper()
	r := s.planned(request{op: access.OpGrant, by: carol})
	r.State, r.Outcome = "granted", access.Applied
	r.Proofs = applied(r, given)
	return r
}

// revoked is a revoke, which the policy has no rule for.
func (s *scene) revoked() access.Receipt {
	s.Helper()
	r := s.planned(request{op: access.OpRevoke, by: bob})
	r.State, r.Outcome = "revoked", access.Removed
	r.Proofs = []access.Proof{proof(r, access.OpRevoke, access.Removed, given, holding(soc, other), holding(other))}
	return r
}

// verify returns "name: detail" of each check with that result.
func (s *scene) verify(r access.Receipt, with receipt.Means, result signing.Result) []string {
	s.Helper()
	r.Signed = r.HowSigned()
	checks, err := receipt.Verify(r.Seal(), with)
	require.NoError(s, err)
	var out []string
	for _, c := range checks {
		if c.Result == result {
			out = append(out, c.Name+": "+c.Detail)
		}
	}
	return out
}
