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

// delegated is a delegation from one to another, taken a minute before noon for a day,
// after changes to what is signed.
func (o office) delegated(t *testing.T, by, to string, changes ...func(*access.Delegation)) *access.Delegation {
	t.Helper()
	d := access.Delegation{
		By: by, To: to, At: noon.Add(-time.Minute), Until: noon.Add(24 * time.Hour), Comment: "away",
		Console: "acmeco.sentinelone.net", Request: "delegate/1", SignedAt: noon.Add(-time.Minute),
	}
	for _, change := range changes {
		change(&d)
	}
	d.Signed, d.Signature = o.fingerprint(by), signed(t, o.keys[by], OfDelegation(d))
	return &d
}

// Dave decides for Carol, of whose delegation the receipt shows that she signed it.
func TestVerifyReceipt_OnBehalfOf(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
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
		handed *access.Delegation
		change func(*access.Decision)
		want   string // "" if it holds
	}{
		"it holds":     {handed: o.delegated(t, carol, dave)},
		"for so long":  {handed: o.delegated(t, carol, dave, long)},
		"none":         {want: "the receipt does not hold the delegation"},
		"to another":   {handed: o.delegated(t, carol, ana), want: "from carol@example.com to ana@example.com"},
		"of another":   {handed: o.delegated(t, ana, dave), want: "another delegation, from ana@example.com to"},
		"over already": {handed: o.delegated(t, carol, dave, ended), want: "to 2026-03-03T14:05:00Z only"},
		"not yet":      {handed: o.delegated(t, carol, dave, later), want: "the delegation held from 2026-03-03T14:06"},
		"elsewhere":    {handed: o.delegated(t, carol, dave, elsewhere), want: "another console: other.example.com"},
		"made longer": {
			handed: o.delegated(t, carol, dave, ended),
			change: func(d *access.Decision) { d.Delegation.Until = noon.Add(time.Hour) },
			want:   "does not match the statement",
		},
		"so long made longer": {
			handed: o.delegated(t, carol, dave, long),
			change: func(d *access.Decision) { d.Delegation.Until = noon.Add(48 * time.Hour) },
			want:   "the delegation is for 24h1m, which does not end at 2026-03-05T14:05:00Z",
		},
		"unsigned": {
			handed: o.delegated(t, carol, dave),
			change: func(d *access.Decision) { d.Delegation.Signed, d.Delegation.Signature = access.Unsigned, "" },
			want:   "not signed, so the name is only claimed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := o.granted(t, leads(carol))
			o.decide(t, &r, dave, access.Decision{OnBehalfOf: carol, Delegation: c.handed})
			if c.change != nil {
				c.change(&r.Decisions[0])
			}
			got := failed(t, r.Seal(), o.allowed)
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

// A key that two names share speaks for one of them, by way of a delegation too.
func TestVerifyReceipt_OnBehalfOfWithOneKey(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.allowed = load(t, bob+" "+o.keys[bob].Public()+"\n"+dave+" "+o.keys[dave].Public()+
		"\nerin@example.com,"+carol+" "+o.keys[carol].Public())
	o.keys["erin@example.com"] = o.keys[carol]
	r := o.granted(t)
	r.Plan.Approval.Steps[1].People = []string{"erin@example.com"}
	r.Plan = r.Plan.Seal()
	o.decide(t, &r, dave, access.Decision{OnBehalfOf: carol, Delegation: o.delegated(t, carol, dave)})
	o.decide(t, &r, "erin@example.com", access.Decision{Step: 1})
	require.Equal(t, []string{"approval, step 2: 0 of 1 from owners; not counted: " +
		"erin@example.com signs with key " + o.fingerprint(carol) +
		", with which dave@example.com for carol@example.com has approved it: one key is one person"},
		failed(t, r.Seal(), o.allowed))
}

// One human counts once, whoever spoke for them.
func TestVerifyReceipt_OnBehalfOfCountsOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, eve, mia)
	two := func(p *access.Plan) {
		p.Approval.Steps = []access.ApprovalStep{{Need: 2, Groups: []string{"leads"}, People: []string{carol, dave}}}
	}
	type word struct{ by, of string }
	for name, c := range map[string]struct {
		one, two word
		why      string
	}{
		"who spoke speaks again": {word{dave, carol}, word{dave, ""}, "dave@example.com has decided already"},
		"whose word is used up":  {word{dave, carol}, word{carol, ""}, "dave@example.com has decided already for"},
		"for who has decided":    {word{carol, ""}, word{dave, carol}, "carol@example.com has decided already:"},
		"for who gets it":        {word{carol, ""}, word{dave, ana}, "ana@example.com is the recipient"},
		"for who asked for it":   {word{carol, ""}, word{dave, bob}, "bob@example.com is the requester"},
		"by who asked for it":    {word{carol, ""}, word{bob, dave}, "bob@example.com is the requester"},
		"for nobody who may":     {word{carol, ""}, word{eve, mia}, "mia@example.com is not eligible"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := o.granted(t, two)
			for _, w := range []word{c.one, c.two} {
				d := access.Decision{OnBehalfOf: w.of}
				if w.of != "" {
					d.Delegation = o.delegated(t, w.of, w.by)
				}
				o.decide(t, &r, w.by, d)
			}
			got := failed(t, r.Seal(), o.allowed)
			require.Len(t, got, 1)
			require.Contains(t, got[0], "approval, step 1: 1 of 2 from leads")
			require.Contains(t, got[0], c.why)
		})
	}
}

// Those escalated to count from the escalation on, and not before.
func TestVerifyReceipt_Escalated(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
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
		at    time.Time // that the decision says, if it does
		want  []string
	}{
		"since then":       {time.Second, noon.Add(time.Second), []string{}},
		"it does not say":  {time.Second, time.Time{}, []string{}},
		"before":           {2 * time.Second, time.Time{}, []string{early}},
		"before it was":    {time.Millisecond, noon.Add(2 * time.Second), []string{early}},
		"it says too soon": {time.Second, noon, []string{early}},
		"it never was":     {0, noon, []string{early}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := o.granted(t, after(c.after))
			o.decide(t, &r, dave, access.Decision{EscalatedAt: c.at}) // a second after noon
			require.Equal(t, c.want, failed(t, r.Seal(), o.allowed))
		})
	}
}
