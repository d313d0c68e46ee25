package signing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

const (
	eve = "eve@example.com"
	mia = "mia@example.com"
)

// delegation is a signed delegation of a day, recorded a minute before noon. The changes are made
// before it is signed.
func (b receiptBuilder) delegation(
	t *testing.T, by, to string, changes ...func(*access.Delegation),
) *access.Delegation {
	t.Helper()
	d := access.Delegation{
		By: by, To: to, At: noon.Add(-time.Minute), Until: noon.Add(24 * time.Hour), Comment: "away",
		Console: "acmeco.sentinelone.net", Request: "delegate/1", SignedAt: noon.Add(-time.Minute),
	}
	for _, change := range changes {
		change(&d)
	}
	d.Signed, d.Signature = b.fingerprint(by), signed(t, b.keys[by], OfDelegation(d))
	return &d
}

// Dave decides in the place of Carol; the receipt holds the delegation that she signed.
func TestVerifyReceipt_OnBehalfOf(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	leads := func(people ...string) func(*access.Plan) {
		return func(p *access.Plan) {
			p.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: people}}
		}
	}
	long := func(d *access.Delegation) { d.Duration = access.Duration(24*time.Hour + time.Minute) }
	ended := func(d *access.Delegation) { d.Until = noon }
	later := func(d *access.Delegation) { d.At = noon.Add(time.Minute) }
	elsewhere := func(d *access.Delegation) { d.Console = "other.example.com" }
	for name, c := range map[string]struct {
		delegation *access.Delegation
		change     func(*access.Decision)
		want       string // "" if it holds
	}{
		"valid":           {delegation: b.delegation(t, carol, dave)},
		"with a duration": {delegation: b.delegation(t, carol, dave, long)},
		"missing":         {want: "the receipt does not hold the delegation"},
		"to another":      {delegation: b.delegation(t, carol, ana), want: "from carol@example.com to ana@example.com"},
		"from another": {
			delegation: b.delegation(t, ana, dave),
			want:       "another delegation, from ana@example.com to",
		},
		"already over": {delegation: b.delegation(t, carol, dave, ended), want: "to 2026-03-03 14:05:00 UTC only"},
		"not yet": {
			delegation: b.delegation(t, carol, dave, later),
			want:       "the delegation held from 2026-03-03 14:06",
		},
		"elsewhere": {
			delegation: b.delegation(t, carol, dave, elsewhere),
			want:       "another console: other.example.com",
		},
		"made longer": {
			delegation: b.delegation(t, carol, dave, ended),
			change:     func(d *access.Decision) { d.Delegation.Until = noon.Add(time.Hour) },
			want:       "does not match the statement",
		},
		"duration made longer": {
			delegation: b.delegation(t, carol, dave, long),
			change:     func(d *access.Decision) { d.Delegation.Until = noon.Add(48 * time.Hour) },
			want:       "the delegation is for 24h1m, which does not end at 2026-03-05 14:05:00 UTC",
		},
		"unsigned": {
			delegation: b.delegation(t, carol, dave),
			change:     func(d *access.Decision) { d.Delegation.Signed, d.Delegation.Signature = access.Unsigned, "" },
			want:       "not signed, so the name is only claimed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.grantReceipt(t, leads(carol))
			b.addDecision(t, &r, dave, access.Decision{OnBehalfOf: carol, Delegation: c.delegation})
			if c.change != nil {
				c.change(&r.Decisions[0])
			}
			got := failedChecks(t, r.Seal(), b.allowed)
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 2)
			require.Contains(t, got[0], "delegation: from carol@example.com to dave@example.com: ")
			require.Contains(t, got[0], c.want)
			require.Equal(t, "approval, step 1: 0 of 1 from leads", got[1])
		})
	}
}

// A key that two names share is one person, also by way of a delegation.
func TestVerifyReceipt_OnBehalfOfWithOneKey(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	b.allowed = load(t, bob+" "+b.keys[bob].Public()+"\n"+dave+" "+b.keys[dave].Public()+
		"\nerin@example.com,"+carol+" "+b.keys[carol].Public())
	b.keys["erin@example.com"] = b.keys[carol]
	r := b.grantReceipt(t)
	r.Plan.Approval.Steps[1].People = []string{"erin@example.com"}
	r.Plan = r.Plan.Seal()
	b.addDecision(t, &r, dave, access.Decision{OnBehalfOf: carol, Delegation: b.delegation(t, carol, dave)})
	b.addDecision(t, &r, "erin@example.com", access.Decision{Step: 1})
	require.Equal(t, []string{"approval, step 2: 0 of 1 from owners; not counted: " +
		"erin@example.com signs with key " + b.fingerprint(carol) +
		", with which dave@example.com for carol@example.com has approved it: one key is one person"},
		failedChecks(t, r.Seal(), b.allowed))
}

// Each person counts once, in their own name or through a delegate.
func TestVerifyReceipt_OnBehalfOfCountsOnce(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t, eve, mia)
	two := func(p *access.Plan) {
		p.Approval.Steps = []access.ApprovalStep{{Need: 2, Groups: []string{"leads"}, People: []string{carol, dave}}}
	}
	type decider struct{ by, onBehalfOf string }
	for name, c := range map[string]struct {
		first, second decider
		why           string
	}{
		"the delegate too":     {decider{dave, carol}, decider{dave, ""}, "dave@example.com has decided already"},
		"the delegator too":    {decider{dave, carol}, decider{carol, ""}, "dave@example.com has decided already for"},
		"for one who decided":  {decider{carol, ""}, decider{dave, carol}, "carol@example.com has decided already:"},
		"for the recipient":    {decider{carol, ""}, decider{dave, ana}, "ana@example.com is the recipient"},
		"for the requester":    {decider{carol, ""}, decider{dave, bob}, "bob@example.com is the requester"},
		"by the requester":     {decider{carol, ""}, decider{bob, dave}, "bob@example.com is the requester"},
		"for one not eligible": {decider{carol, ""}, decider{eve, mia}, "mia@example.com is not eligible"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.grantReceipt(t, two)
			for _, d := range []decider{c.first, c.second} {
				decision := access.Decision{OnBehalfOf: d.onBehalfOf}
				if d.onBehalfOf != "" {
					decision.Delegation = b.delegation(t, d.onBehalfOf, d.by)
				}
				b.addDecision(t, &r, d.by, decision)
			}
			got := failedChecks(t, r.Seal(), b.allowed)
			require.Len(t, got, 1)
			require.Contains(t, got[0], "approval, step 1: 1 of 2 from leads")
			require.Contains(t, got[0], c.why)
		})
	}
}

// The people whom a request is escalated to count from the escalation on.
func TestVerifyReceipt_Escalated(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	const early = "approval, step 1: 0 of 1 from leads; not counted: " +
		"dave@example.com is not eligible before the request is escalated"
	after := func(d time.Duration) func(*access.Plan) {
		return func(p *access.Plan) {
			p.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: []string{carol}}}
			p.Approval.EscalateAfter, p.Approval.EscalateTo = access.Duration(d), []string{"Dave@example.com"}
		}
	}
	for name, c := range map[string]struct {
		after time.Duration
		at    time.Time // of the escalation in the decision, if it has one
		want  []string
	}{
		"after it":           {time.Second, noon.Add(time.Second), []string{}},
		"without its time":   {time.Second, time.Time{}, []string{}},
		"before":             {2 * time.Second, time.Time{}, []string{early}},
		"recorded later":     {time.Millisecond, noon.Add(2 * time.Second), []string{early}},
		"recorded too early": {time.Second, noon, []string{early}},
		"never escalated":    {0, noon, []string{early}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.grantReceipt(t, after(c.after))
			b.addDecision(t, &r, dave, access.Decision{EscalatedAt: c.at}) // a second after noon
			require.Equal(t, c.want, failedChecks(t, r.Seal(), b.allowed))
		})
	}
}
