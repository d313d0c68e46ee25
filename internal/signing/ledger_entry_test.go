package signing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// Signatures of people in entries are what the entries say of them; each change to what was signed,
// or to the key's name, is found.
func TestCheckEntry(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	b.addDecision(t, &r, carol, access.Decision{})
	d := r.Decisions[0]
	run := ledger.Run{Request: r.Request, ID: r.Run}
	stop := access.Stop{Action: "end", By: bob, Signed: b.fingerprint(bob), SignedAt: noon}
	stop.Signature = signed(t, b.keys[bob], OfStop(r.Request, r.Run, stop))
	extension := access.ExtensionRequest{
		Request: r.Request, Run: r.Run, PlanHash: r.Plan.Hash, By: bob, Duration: 1, EndsAt: noon,
		Signed: b.fingerprint(bob), SignedAt: noon,
	}
	extension.Signature = signed(t, b.keys[bob], OfExtension(extension))
	delegation := access.Delegation{
		By: carol, To: dave, Until: noon, Console: r.Plan.Console, Request: "delegate/1", Signed: b.fingerprint(carol),
		SignedAt: noon,
	}
	delegation.Signature = signed(t, b.keys[carol], OfDelegation(delegation))
	freeze := access.Freeze{
		By: bob, Reason: "INC-42", Console: r.Plan.Console, Signed: b.fingerprint(bob), SignedAt: noon,
	}
	freeze.Signature = signed(t, b.keys[bob], OfFreeze(r.Request, freeze))
	frozen := freeze
	frozen.Frozen = true
	onBehalf := d
	onBehalf.Delegation = &delegation
	changed := delegation
	changed.To = bob
	forged := onBehalf
	forged.Delegation = &changed
	entry := func(key string, body ledger.Body) ledger.Entry {
		e, err := ledger.NewEntry{Request: r.Request, Key: key, Body: body}.Entry(r.Plan.Console, noon)
		require.NoError(t, err)
		return e
	}
	request := ledger.Request{Plan: r.Plan, Signature: r.RequestSignature}
	decision := run.NumberedDecisionKey(0)
	for name, e := range map[string]ledger.Entry{
		"request":    entry(run.RequestKey(0), request),
		"decision":   entry(decision, ledger.Decision{Decision: d}),
		"on behalf":  entry(decision, ledger.Decision{Decision: onBehalf}),
		"delegation": entry(run.DelegationKey(), ledger.Delegation{Delegation: delegation}),
		"stop":       entry(run.StopKey(stop, ""), ledger.Stop{Stop: stop}),
		"extension":  entry(run.ExtensionRequestKey(extension), ledger.ExtensionRequest{Extension: extension}),
		"unfreeze":   entry(run.FreezeKey(), ledger.Freeze{Freeze: freeze}),
		"unsigned":   entry(decision, ledger.Decision{Decision: access.Decision{By: carol, Signed: access.Unsigned}}),
		"others":     entry(run.ReceiptKey(), ledger.Receipt{Receipt: r}),
	} {
		require.NoError(t, CheckEntry(e), name)
	}
	other := d
	other.Action = KindDeny
	byAnother := d
	byAnother.Signed = b.fingerprint(dave)
	bare := d
	bare.Signature = ""
	longer, laterStop := extension, stop
	longer.EndsAt = noon.Add(1)
	laterStop.Action = "cancel"
	resigned := *r.RequestSignature
	resigned.Request.Terms.Duration *= 2
	anotherRun := ledger.Run{Request: r.Request, ID: "x"}.NumberedDecisionKey(0)
	for name, e := range map[string]ledger.Entry{
		"another action":  entry(decision, ledger.Decision{Decision: other}),
		"another key":     entry(decision, ledger.Decision{Decision: byAnother}),
		"no signature":    entry(decision, ledger.Decision{Decision: bare}),
		"another run":     entry(anotherRun, ledger.Decision{Decision: d}),
		"another request": entry(run.RequestKey(0), ledger.Request{Plan: r.Plan, Signature: &resigned}),
		"a delegation":    entry(decision, ledger.Decision{Decision: forged}),
		"to another":      entry(run.DelegationKey(), ledger.Delegation{Delegation: changed}),
		"another stop":    entry(run.StopKey(laterStop, ""), ledger.Stop{Stop: laterStop}),
		"another freeze":  entry(run.FreezeKey(), ledger.Freeze{Freeze: frozen}),
		"another end":     entry(run.ExtensionRequestKey(longer), ledger.ExtensionRequest{Extension: longer}),
	} {
		require.ErrorContains(t, CheckEntry(e), "it is recorded as signed by", name)
	}
}
