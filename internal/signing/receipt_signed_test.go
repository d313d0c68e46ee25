package signing

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// Whoever has asked does not consent under another name.
func TestVerifyReceipt_RequestersKeyDoesNotConsent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.keys[carol] = o.keys[bob]
	o.allowed = load(t, "*@example.com "+o.keys[bob].Public()+"\n"+dave+" "+o.keys[dave].Public())
	r := o.granted(t)
	o.decide(t, &r, carol, access.Decision{})
	o.decide(t, &r, dave, access.Decision{Step: 1})
	require.Equal(t, []string{
		"approval, step 1: 0 of 1 from soc-leads; " +
			"not counted: carol@example.com signs with key " + o.fingerprint(bob) +
			", with which bob@example.com has requested it: one key is one person",
		"approval, step 2: 0 of 1 from owners; not counted: dave@example.com decided on step 2, but step 1 was open",
	}, failed(t, r.Seal(), o.allowed))
}

// A key counts if it did when the request was started, which may be long before a worker
// took it.
func TestVerifyReceipt_RequestersKeyAtTheStart(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	r := o.granted(t)
	r.Plan.Approval = access.Approval{}
	r.Plan = r.Plan.Seal()
	r.StartedAt = noon.Add(72 * time.Hour)
	r.RequestSignature.At = noon.Add(48 * time.Hour)
	file := load(t, bob+` valid-before="20260304Z" `+o.keys[bob].Public())
	require.Contains(t, failed(t, r.Seal(), file)[0], "is no longer valid")
	r.RequestSignature.At = noon
	require.Empty(t, failed(t, r.Seal(), file))
}

// A decision that says when people were asked counts if it came before the deadline.
func TestVerifyReceipt_Deadline(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	within := func(p *access.Plan) { p.Approval.DecideWithin = access.Duration(2 * time.Second) }
	for askedAt, want := range map[time.Time]string{
		noon: "", noon.Add(-time.Second): "carol@example.com decided in an earlier round",
		noon.Add(time.Second / 2): "",
	} {
		r := o.granted(t, within)
		for i, by := range []string{carol, dave} {
			o.decide(t, &r, by, access.Decision{Step: i, AskedAt: askedAt})
		}
		got := failed(t, r.Seal(), o.allowed)
		require.Equal(t, want == "", len(got) == 0, "%v", got)
		require.Contains(t, strings.Join(got, "\n"), want)
	}
	r := o.granted(t, within)
	o.decide(t, &r, carol, access.Decision{AskedAt: noon})
	o.decide(t, &r, dave, access.Decision{Step: 1, AskedAt: noon, CameAt: noon.Add(2 * time.Second)})
	require.Equal(t, []string{"approval, step 2: 0 of 1 from owners; not counted: " +
		"it is too late to decide: the deadline was 2026-03-03T14:05:02Z"}, failed(t, r.Seal(), o.allowed))
}

// A receipt says no more of itself than is in it.
func TestVerifyReceipt_ClaimsToBeSigned(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	r := o.granted(t)
	o.decide(t, &r, carol, access.Decision{})
	o.decide(t, &r, dave, access.Decision{Step: 1, Signed: access.Unsigned})
	require.Equal(t, access.PartlySigned, r.HowSigned())
	r.Signed = access.PartlySigned
	require.Empty(t, failed(t, r.Seal(), nil))
	r.Signed = access.AllSigned
	require.Equal(t, []string{"signatures: the receipt claims to be signed, but is partly signed"},
		failed(t, r.Seal(), nil))
	r.RequestSignature, r.Decisions = nil, r.Decisions[1:]
	require.Equal(t, access.Unsigned, r.HowSigned())
}

// A worker that asks for no signatures checks none, and says so; those that came all the
// same are checked here.
func TestVerifyReceipt_SignedThoughNotAsked(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	r := o.granted(t)
	o.decide(t, &r, carol, access.Decision{})
	o.decide(t, &r, dave, access.Decision{Step: 1})
	r.Decisions[0].Signed, r.Decisions[1].Signed = access.Unsigned, access.Unsigned
	require.Empty(t, failed(t, r.Seal(), o.allowed))
	r.RequestSignature = nil
	checks, err := VerifyReceipt(r.Seal(), nil)
	require.NoError(t, err)
	require.Equal(t, Check{Name: "approve, step 1", Result: Unsigned, Detail: "by carol@example.com: " +
		"not signed, so the name is only claimed"}, checks[3])
	r.Decisions[0].Comment = "changed"
	require.Contains(t, failed(t, r.Seal(), o.allowed)[1], "does not match the statement")
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
