package signing

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
)

const (
	ana  = "ana@example.com"
	bob  = "bob@example.com"
	dave = "dave@example.com"
)

// receiptBuilder makes receipts that people have signed with their keys.
type receiptBuilder struct {
	keys    map[string]sshtest.Key
	allowed *AllowedSigners // lists all of the keys
}

func newReceiptBuilder(t *testing.T, more ...string) receiptBuilder {
	t.Helper()
	keys, file := sshtest.People(t, append([]string{ana, bob, carol, dave}, more...)...)
	allowed, err := LoadAllowedSigners(file, "")
	require.NoError(t, err)
	return receiptBuilder{keys, allowed}
}

func (b receiptBuilder) fingerprint(who string) string { return b.keys[who].Fingerprint() }

// addDecision adds a decision on the receipt's plan, signed unless d says otherwise.
func (b receiptBuilder) addDecision(t *testing.T, r *access.Receipt, by string, d access.Decision) {
	t.Helper()
	d.By, d.At, d.SignedAt = by, noon.Add(time.Second), noon
	if d.Action == "" {
		d.Action = KindApprove
	}
	if d.PlanHash == "" {
		d.PlanHash = r.Plan.Hash
	}
	if d.Signed == "" {
		d.Signed = b.fingerprint(by)
		d.Signature = signed(t, b.keys[by], OfDecision(r.Request, r.Run, d.PlanHash, d))
	}
	r.Decisions = append(r.Decisions, d)
}

// grantReceipt is the receipt of a grant that bob requested for ana. The plan has two approval
// steps, for which carol and dave are eligible.
func (b receiptBuilder) grantReceipt(t *testing.T, changes ...func(*access.Plan)) access.Receipt {
	t.Helper()
	request := access.RequestSpec{
		Op: access.OpAcquire, Principal: access.PrincipalSelector{Kind: access.User, Email: ana},
		Role:  access.RoleSelector{Name: "SOC"},
		Scope: access.ScopeSelector{Level: access.SiteLevel, Name: "Acme / Berlin"},
		Terms: access.Terms{Requester: bob, Reason: "INC-42", Duration: access.Duration(4 * time.Hour)},
	}
	plan := access.Plan{
		Op: request.Op, Console: "acmeco.sentinelone.net", Terms: request.Terms,
		Principal: access.PrincipalRef{Kind: access.User, ID: "11", Email: ana},
		Role:      access.RoleRef{ID: "21", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "31", Name: "Acme / Berlin"},
		Approval: access.Approval{Required: true, Policy: "two steps", Steps: []access.ApprovalStep{
			{Need: 1, Groups: []string{"soc-leads"}, People: []string{carol, dave}},
			{Need: 1, Groups: []string{"owners"}, People: []string{carol, dave}},
		}},
	}
	for _, change := range changes {
		change(&plan)
	}
	r := access.Receipt{
		Request: "grant/INC-42", Run: "run-1", Plan: plan.Seal(), State: "expired", Outcome: access.Released,
		Proofs: []access.Proof{{Op: access.OpAcquire, Outcome: access.Applied}}, Signed: "allowed signers",
		StartedAt: noon, FinishedAt: noon.Add(5 * time.Hour),
	}
	s := access.RequestSignature{
		Request: request, SignedAt: noon.Add(-time.Minute), At: noon, Signed: b.fingerprint(bob),
	}
	s.Signature = signed(t, b.keys[bob], OfRequest(r.Request, s))
	r.RequestSignature = &s
	return r
}

// failedChecks returns "name: detail" of each check that failed.
func failedChecks(t *testing.T, r access.Receipt, allowed *AllowedSigners) []string {
	t.Helper()
	checks, err := VerifyReceipt(r, allowed)
	require.NoError(t, err)
	out := []string{}
	for _, c := range checks {
		if c.Result == Failed {
			out = append(out, c.Name+": "+c.Detail)
		}
	}
	return out
}

func TestVerifyReceipt_AllHolds(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{Comment: "fine", Duration: access.Duration(time.Hour)})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	r = r.Seal()
	checks, err := VerifyReceipt(r, b.allowed)
	require.NoError(t, err)
	require.Equal(t, []Check{
		{"receipt", OK, "unchanged since it was sealed: " + r.Hash},
		{"plan", OK, "unchanged since people decided on it: " + r.Plan.Hash},
		{"request", OK, "by bob@example.com, signed with ssh-ed25519 " + b.fingerprint(bob)},
		{"approve, step 1", OK, "by carol@example.com, signed with ssh-ed25519 " + b.fingerprint(carol)},
		{"approve, step 2", OK, "by dave@example.com, signed with ssh-ed25519 " + b.fingerprint(dave)},
		{"approval, step 1", OK, "1 of 1 from soc-leads: carol@example.com"},
		{"approval, step 2", OK, "1 of 1 from owners: dave@example.com"},
	}, checks)

	checks, err = VerifyReceipt(r, nil)
	require.NoError(t, err)
	for _, c := range checks[2:5] {
		require.Equal(t, Unchecked, c.Result)
	}
	require.Empty(t, failedChecks(t, r, nil))
}

// Someone who changes a receipt can recompute its hashes, but not its signatures.
func TestVerifyReceipt_ChangedAndSealedAgain(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	for want, change := range map[string]func(*access.Receipt){
		"request: the plan is not what bob@example.com signed: it differs in terms": func(r *access.Receipt) {
			r.Plan.Terms.Reason = "INC-43"
		},
		"request: the plan is not what bob@example.com signed: it differs in principal": func(r *access.Receipt) {
			r.Plan.Principal = access.PrincipalRef{Kind: access.User, ID: "12", Email: dave}
		},
		"request: by eve@example.com: ": func(r *access.Receipt) {
			r.Plan.Terms.Requester, r.RequestSignature.Request.Terms.Requester = "eve@example.com", "eve@example.com"
		},
		"request: by bob@example.com: not signed": func(r *access.Receipt) { r.RequestSignature = nil },
		"bob@example.com: it is signed with key":  func(r *access.Receipt) { r.RequestSignature.Signed = "x" },
		"does not match the statement":            func(r *access.Receipt) { r.Decisions[0].Comment = "another" },
		"approve, step 1: by eve@example.com":     func(r *access.Receipt) { r.Decisions[0].By = "eve@example.com" },
		"deny: by carol@example.com":              func(r *access.Receipt) { r.Decisions[0].Action = KindDeny },
		"approve, step 1: by carol":               func(r *access.Receipt) { r.Decisions[0].Duration *= 2 },
		"approve, step 1: by carol@":              func(r *access.Receipt) { r.Run = "run-2" },
		"approval, step 2: 0 of 1 from owners":    func(r *access.Receipt) { r.Decisions = r.Decisions[:1] },
		"but the receipt says \"SHA256:other\"":   func(r *access.Receipt) { r.Decisions[0].Signed = "SHA256:other" },
		"approve, step 1: by carol@example.com: not signed, so the name is only claimed": func(r *access.Receipt) {
			r.Decisions[0].Signed, r.Decisions[0].Signature = access.Unsigned, ""
		},
		"approve, step 1: by carol@example.com: there is no signature": func(r *access.Receipt) {
			r.Decisions[0].Signature = ""
		},
		"approve, step 1: by carol@example.com: the statement has no time of signing": func(r *access.Receipt) {
			r.Decisions[0].SignedAt = time.Time{}
		},
		"the plan was refused, but something was changed": func(r *access.Receipt) {
			r.Plan.Approval.Refusal = "no"
			r.Plan = r.Plan.Seal()
		},
		"approval: the policy requires approval, but the plan has no approval steps": func(r *access.Receipt) {
			r.Plan.Approval.Steps = nil
		},
	} {
		r := b.grantReceipt(t)
		b.addDecision(t, &r, carol, access.Decision{Comment: "fine", Duration: access.Duration(time.Hour)})
		b.addDecision(t, &r, dave, access.Decision{Step: 1})
		change(&r)
		r.Plan = r.Plan.Seal()
		require.Contains(t, strings.Join(failedChecks(t, r.Seal(), b.allowed), "\n"), want)
	}
}

func TestVerifyReceipt_ChangedWithoutSealing(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	r = r.Seal()
	other := r
	other.Message = "all is well"
	require.Contains(t, failedChecks(t, other, b.allowed)[0], "receipt: changed since it was sealed")
	other = r
	other.Plan.Role.Name = "Viewer"
	require.Contains(t, failedChecks(t, other.Seal(), b.allowed)[0], "plan: changed since people decided on it")
}

// An approval by someone who is not eligible does not count, even with a valid signature.
func TestVerifyReceipt_Eligibility(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	anyone := func(p *access.Plan) {
		p.Approval.Steps = []access.ApprovalStep{{Need: 2, Groups: []string{access.Anyone}, People: []string{}}}
	}
	leads := func(p *access.Plan) {
		p.Approval.Steps = []access.ApprovalStep{{Need: 2, Groups: []string{"leads"}, People: []string{carol, dave}}}
	}
	// only lets these people decide, and has carol and dave approve.
	only := func(people ...string) func(*access.Receipt) {
		return func(r *access.Receipt) {
			r.Plan.Approval.Steps[0].People = people
			r.Plan, r.Decisions = r.Plan.Seal(), nil
			b.addDecision(t, r, carol, access.Decision{})
			b.addDecision(t, r, dave, access.Decision{})
		}
	}
	const one = "approval, step 1: 1 of 2 from "
	for _, c := range []struct {
		name   string
		policy func(*access.Plan)
		second func(*access.Receipt)
		want   string
	}{
		{
			"the requester", anyone, func(r *access.Receipt) { b.addDecision(t, r, bob, access.Decision{}) },
			one + "anyone: carol@example.com; not counted: " +
				"bob@example.com is the requester: requesters do not decide on their own requests",
		},
		{
			"the recipient", anyone, func(r *access.Receipt) { b.addDecision(t, r, ana, access.Decision{}) },
			one + "anyone: carol@example.com; not counted: " +
				"ana@example.com is the recipient: people do not decide on their own access",
		},
		{
			"twice", anyone, func(r *access.Receipt) { b.addDecision(t, r, carol, access.Decision{}) },
			one + "anyone: carol@example.com; not counted: " +
				"carol@example.com has decided already: approve at 2026-03-03 14:05:01 UTC",
		},
		{
			"not eligible", leads, only(carol),
			one + "leads: carol@example.com; not counted: " +
				"dave@example.com is not eligible to decide: it is pending for 1 of 2 from leads",
		},
		{
			"nobody eligible", leads, only(),
			"approval, step 1: 0 of 2 from leads; not counted: " +
				"carol@example.com is not eligible to decide: it is pending for 2 of 2 from leads; " +
				"dave@example.com is not eligible to decide: it is pending for 2 of 2 from leads",
		},
		{
			"another plan", leads,
			func(r *access.Receipt) { b.addDecision(t, r, dave, access.Decision{PlanHash: strings.Repeat("0", 64)}) },
			one + "leads: carol@example.com",
		},
		{
			"another step", leads, func(r *access.Receipt) { b.addDecision(t, r, dave, access.Decision{Step: 1}) },
			one + "leads: carol@example.com",
		},
		{
			"denied", anyone, func(r *access.Receipt) {
				b.addDecision(t, r, dave, access.Decision{})
				b.addDecision(t, r, ana, access.Decision{Action: KindDeny})
			},
			"approval: denied by ana@example.com, but something was changed",
		},
		{"enough", leads, func(r *access.Receipt) { b.addDecision(t, r, dave, access.Decision{}) }, ""},
	} {
		r := b.grantReceipt(t, c.policy)
		b.addDecision(t, &r, carol, access.Decision{})
		c.second(&r)
		got := failedChecks(t, r.Seal(), b.allowed)
		if c.want == "" {
			require.Empty(t, got, c.name)
			continue
		}
		require.Equal(t, []string{c.want}, got, c.name)
	}
}

// Two names with one key are one person.
func TestVerifyReceipt_OneKeyIsOnePerson(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	b.keys[dave] = b.keys[carol]
	b.allowed = load(t, bob+" "+b.keys[bob].Public()+"\n"+carol+","+dave+" "+b.keys[carol].Public())
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	require.Equal(t, []string{
		"approval, step 2: 0 of 1 from owners; " +
			"not counted: dave@example.com signs with key " + b.fingerprint(carol) +
			", with which carol@example.com has approved it: one key is one person",
	}, failedChecks(t, r.Seal(), b.allowed))
}

// A key counts if it was valid when the decision was recorded, unless it is revoked.
func TestVerifyReceipt_KeyAtTheTime(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	r = r.Seal()
	file := func(until string) string {
		return bob + " " + b.keys[bob].Public() + "\n" + dave + " " + b.keys[dave].Public() + "\n" +
			carol + ` valid-before="` + until + `" ` + b.keys[carol].Public()
	}
	require.Empty(t, failedChecks(t, r, load(t, file("20260304Z"))))
	require.Contains(t, failedChecks(t, r, load(t, file("20260302Z")))[0], "is no longer valid")
	require.Contains(t, failedChecks(t, r, load(t, file("20260304Z"), b.keys[carol].Public()))[0], "is revoked")
}

func TestVerifyReceipt_Unsigned(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	r.RequestSignature = nil
	b.addDecision(t, &r, carol, access.Decision{Signed: access.Unsigned})
	b.addDecision(t, &r, dave, access.Decision{Step: 1, Signed: access.Unsigned})
	r = r.Seal()
	checks, err := VerifyReceipt(r, nil)
	require.NoError(t, err)
	results := make([]Result, len(checks))
	for i, c := range checks {
		results[i] = c.Result
	}
	require.Equal(t, []Result{OK, OK, Unsigned, Unsigned, Unsigned, OK, OK}, results)
	require.Len(t, failedChecks(t, r, b.allowed), 5)

	r.Decisions[0].Signed = b.fingerprint(carol)
	require.Equal(t, "approve, step 1: by carol@example.com: "+
		"the receipt says that it is signed, but holds no signature",
		failedChecks(t, r.Seal(), nil)[0])

	r = b.grantReceipt(t)
	r.RequestSignature, r.Proofs = nil, nil
	require.Empty(t, failedChecks(t, r.Seal(), b.allowed), "a request that was refused because it was not signed")
}

// Break-glass access must be reviewed by someone else, or ended.
func TestVerifyReceipt_BreakGlass(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	breakGlass := func(p *access.Plan) {
		p.Approval.Steps = nil
		p.Approval.Review = &access.Review{
			ApprovalStep: access.ApprovalStep{Need: 1, Groups: []string{"leads"}, People: []string{carol}},
		}
	}
	r := b.grantReceipt(t, breakGlass)
	require.Equal(t, []string{"review: 0 of 1 from leads"}, failedChecks(t, r.Seal(), b.allowed))
	reviewed := r
	b.addDecision(t, &reviewed, carol, access.Decision{})
	require.Empty(t, failedChecks(t, reviewed.Seal(), b.allowed))
	own := r
	b.addDecision(t, &own, bob, access.Decision{})
	require.Len(t, failedChecks(t, own.Seal(), b.allowed), 1)
	r.Proofs = append(r.Proofs, access.Proof{Op: access.OpRelease, Outcome: access.Released})
	require.Empty(t, failedChecks(t, r.Seal(), b.allowed))
}

func TestVerifyReceipt_UnreadableFileIsAnError(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	b.allowed.path = "/nonexistent/signers"
	var broken *FileError
	_, err := VerifyReceipt(b.grantReceipt(t).Seal(), b.allowed)
	require.ErrorAs(t, err, &broken)
}
