package signing

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A requester does not approve under another name with the same key.
func TestVerifyReceipt_RequestersKeyDoesNotApprove(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	b.keys[carol] = b.keys[bob]
	b.allowed = load(t, "*@example.com "+b.keys[bob].Public()+"\n"+dave+" "+b.keys[dave].Public())
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	require.Equal(t, []string{
		"approval, step 1: 0 of 1 from soc-leads; " +
			"not counted: carol@example.com signs with key " + b.fingerprint(bob) +
			", with which bob@example.com has requested it: one key is one person",
		"approval, step 2: 0 of 1 from owners; not counted: dave@example.com decided on step 2, but step 1 was open",
	}, failedChecks(t, r.Seal(), b.allowed))
}

// The requester's key must be valid when the request was started, which may be long before a worker
// planned it.
func TestVerifyReceipt_RequestersKeyAtTheStart(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	r.Plan.Approval = access.Approval{}
	r.Plan = r.Plan.Seal()
	r.StartedAt = noon.Add(72 * time.Hour)
	r.RequestSignature.At = noon.Add(48 * time.Hour)
	file := load(t, bob+` valid-before="20260304Z" `+b.keys[bob].Public())
	require.Contains(t, failedChecks(t, r.Seal(), file)[0], "is no longer valid")
	r.RequestSignature.At = noon
	require.Empty(t, failedChecks(t, r.Seal(), file))
}

// A decision that has the time at which approvers were asked counts only before the deadline.
func TestVerifyReceipt_Deadline(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	within := func(p *access.Plan) { p.Approval.DecideWithin = access.Duration(2 * time.Second) }
	for askedAt, want := range map[time.Time]string{
		noon: "", noon.Add(-time.Second): "carol@example.com decided in an earlier round",
		noon.Add(time.Second / 2): "",
	} {
		r := b.grantReceipt(t, within)
		for i, by := range []string{carol, dave} {
			b.addDecision(t, &r, by, access.Decision{Step: i, AskedAt: askedAt})
		}
		got := failedChecks(t, r.Seal(), b.allowed)
		require.Equal(t, want == "", len(got) == 0, "%v", got)
		require.Contains(t, strings.Join(got, "\n"), want)
	}
	r := b.grantReceipt(t, within)
	b.addDecision(t, &r, carol, access.Decision{AskedAt: noon})
	b.addDecision(t, &r, dave, access.Decision{Step: 1, AskedAt: noon, CameAt: noon.Add(2 * time.Second)})
	require.Equal(t, []string{"approval, step 2: 0 of 1 from owners; not counted: " +
		"it is too late to decide: the deadline was 2026-03-03 14:05:02 UTC"}, failedChecks(t, r.Seal(), b.allowed))
}

// A receipt must not claim more signatures than it holds.
func TestVerifyReceipt_ClaimsToBeSigned(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1, Signed: access.Unsigned})
	require.Equal(t, access.PartlySigned, r.HowSigned())
	r.Signed = access.PartlySigned
	require.Empty(t, failedChecks(t, r.Seal(), nil))
	r.Signed = access.AllSigned
	require.Equal(t, []string{"signatures: the receipt claims to be signed, but is partly signed"},
		failedChecks(t, r.Seal(), nil))
	r.RequestSignature, r.Decisions = nil, r.Decisions[1:]
	require.Equal(t, access.Unsigned, r.HowSigned())
}

// A worker without allowed signers records signatures without verifying them; they are verified
// here.
func TestVerifyReceipt_SignedThoughNotRequired(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	b.addDecision(t, &r, dave, access.Decision{Step: 1})
	r.Decisions[0].Signed, r.Decisions[1].Signed = access.Unsigned, access.Unsigned
	require.Empty(t, failedChecks(t, r.Seal(), b.allowed))
	r.RequestSignature = nil
	checks, err := VerifyReceipt(r.Seal(), nil)
	require.NoError(t, err)
	require.Equal(t, Check{Name: "approve, step 1", Result: Unsigned, Detail: "by carol@example.com: " +
		"not signed, so the name is only claimed"}, checks[3])
	r.Decisions[0].Comment = "changed"
	require.Contains(t, failedChecks(t, r.Seal(), b.allowed)[1], "does not match the statement")
}

// What `starter grant -o json` prints has the receipt in its result.
func TestParseReceipt_InTheResult(t *testing.T) {
	t.Parallel()
	const receipt = `{"request":"grant/INC-42","hash":"h"}`
	for _, text := range []string{
		receipt, `{"receipt":` + receipt + `}`, `{"workflowId":"grant/INC-42","result":{"receipt":` + receipt + `}}`,
	} {
		r, err := ParseReceipt([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, "grant/INC-42", r.Request)
	}
	_, err := ParseReceipt([]byte(`{"result":{"receipt":` + receipt + `,"Receipt":` + receipt + `}}`))
	require.ErrorContains(t, err, "occurs twice in it")
}
