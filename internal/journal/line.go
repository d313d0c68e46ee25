package journal

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
)

// KindSync is the kind of lines about syncs.
const KindSync = "sync"

// Line is one thing that happened, and the output for programs.
type Line struct {
	At time.Time `json:"at"` // UTC
	// ID is the workflow id of the request or the sync; "" of a sync without one.
	ID string `json:"id,omitempty"`
	// Kind is that of the ledger's entry, or KindSync.
	Kind string `json:"kind"`
	// Seq is the number of the ledger's entry; 0 of a line about a sync.
	Seq int64 `json:"seq,omitempty"`
	// Snapshot is the id of the sync's snapshot, of a line about a sync.
	Snapshot string `json:"snapshot,omitempty"`
	// Text says what happened in a sentence or two. Names in it are those of the console and of people: make it safe
	// before a terminal gets it.
	Text string `json:"text"`
}

// ofEntry says what an entry of the ledger records. plan is the latest plan of its request; nil if there is none.
func ofEntry(e ledger.Entry, plan *access.Plan, known describe.Directory) Line {
	out := Line{At: e.At, ID: e.Request, Kind: string(e.Kind), Seq: e.Seq}
	body, err := ledger.Decode(e)
	if err != nil {
		out.Text = fmt.Sprintf("This version cannot read the entry: %v. Check it with `starter ledger verify`.", err)
		return out
	}
	out.Text = sentence{plan: plan, names: describe.NewNames(known, plan)}.of(body)
	return out
}

// sentence puts the body of an entry into words.
type sentence struct {
	plan  *access.Plan
	names describe.Names
}

func (s sentence) of(body ledger.Body) string {
	switch b := body.(type) {
	case ledger.Request:
		return requested(b)
	case ledger.Signature:
		return "The signature by key " + b.Signed + " is recorded, so that it counts once."
	case ledger.Decision:
		return decided(b)
	case ledger.Delegation:
		return delegated(b)
	case ledger.Write:
		return b.Write.Call + " is about to be sent to the console."
	case ledger.Answer:
		return answered(b.Write)
	case ledger.Token:
		return fmt.Sprintf("The API token of service user %s is stored (%s).", b.ID, place(b.Place))
	case ledger.Proof:
		return s.proven(b)
	case ledger.Confirmation:
		return s.confirmed(b)
	default:
		return s.ofEnd(body)
	}
}

// ofEnd is of for what moves, ends or accompanies a request.
func (s sentence) ofEnd(body ledger.Body) string {
	switch b := body.(type) {
	case ledger.ExtensionRequest:
		text := fmt.Sprintf("%s requests a later end, %s%s%s", describe.Person(b.Extension.By),
			describe.Second(b.Extension.EndsAt), signedText(b.Extension.Signed), comment(b.Extension.Comment))
		return refused(text, b.Refusal)
	case ledger.Extension:
		return fmt.Sprintf("The end moves by %s to %s, as requested by %s.", b.Extension.Duration,
			describe.Second(b.Extension.EndsAt), describe.Person(b.Extension.By))
	case ledger.Cancelled:
		return "The change is cancelled; what of it has reached the console is released."
	case ledger.Overdue:
		return fmt.Sprintf("The worker releases the access of %s by itself: it had to be gone by %s (%s).",
			s.principal(b.Principal), describe.Second(b.Due), b.Why)
	case ledger.Drift:
		return s.drifted(b)
	case ledger.Unauthorized:
		return fmt.Sprintf("%s for %s was not written to the console: %s (%s).", operation(b.Op),
			s.principal(b.Principal), b.Text, b.Reason)
	case ledger.Stop:
		text := describe.Person(b.By) + " sends " + b.Action + signedText(b.Signed) + comment(b.Comment)
		return refused(text, b.Refusal)
	case ledger.Freeze:
		verb := "ends the freeze"
		if b.Frozen {
			verb = "freezes all giving of access"
		}
		return refused(describe.Person(b.By)+" "+verb+signedText(b.Signed)+comment(b.Reason), b.Refusal)
	case ledger.Receipt:
		text := "The request has ended: " + describe.Result(b.Receipt.State, b.Receipt.Outcome)
		return stop(text + comment(b.Receipt.Message))
	case ledger.Notification:
		return notified(b)
	case ledger.SealingKey:
		return "From here on the worker seals the ledger with the key " + b.Key + "."
	}
	return "The ledger records " + string(body.Kind()) + "."
}

func requested(r ledger.Request) string {
	p := r.Plan
	what := describe.Operation(p.Op) + " (not planned)"
	if requestrecord.IsPlanned(&p) {
		what = describe.Plan(p)
	}
	signed := ", unsigned"
	if v := r.Verified(); v != nil {
		signed = signedText(v.Signed)
	}
	text := fmt.Sprintf("%s requests%s: %s", describe.Person(p.Terms.Requester), signed, what)
	switch {
	case p.Refusal != "":
		return text + ". It is refused: " + stop(p.Refusal)
	case !requestrecord.IsPlanned(&p):
		return stop(text)
	}
	return text + ". Approval: " + stop(describe.Approval(p.Approval))
}

func decided(d ledger.Decision) string {
	text := fmt.Sprintf("%s decides: %s", describe.Person(d.Decision.By),
		requestrecord.Decision{Decision: d.Decision}.Text())
	return refused(text, d.Refusal)
}

func delegated(d ledger.Delegation) string {
	text := fmt.Sprintf("%s delegates decisions to %s", describe.Person(d.Delegation.By),
		describe.Person(d.Delegation.To))
	if !d.Delegation.Until.IsZero() {
		text += " until " + describe.Second(d.Delegation.Until)
	}
	return refused(text+signedText(d.Delegation.Signed)+comment(d.Delegation.Comment), d.Refusal)
}

func answered(w access.Write) string {
	text := w.Call + " got no answer"
	if w.Status != 0 {
		text = fmt.Sprintf("%s was answered with status %d", w.Call, w.Status)
	}
	return stop(text + comment(w.Error))
}

func (s sentence) proven(p ledger.Proof) string {
	who := ""
	switch {
	case p.Proof.Made != nil:
		who = " for " + s.principal(*p.Proof.Made)
	case p.Principal != nil:
		who = " for " + s.principal(access.PrincipalRef{Kind: p.Principal.Kind, ID: p.Principal.ID})
	}
	text := operation(p.Proof.Op) + who + ": " + describe.Outcome(p.Proof.Outcome)
	if p.Message != "" {
		text += "; " + p.Message
	}
	text = stop(text)
	for _, d := range p.Proof.Drift {
		text += " By hand: " + stop(d)
	}
	return text
}

func (s sentence) confirmed(c ledger.Confirmation) string {
	text := "A later read confirms the change: "
	switch {
	case c.Shown && c.Ours:
		text = "A later read shows the role again, which a later change of ours explains: "
	case c.Shown:
		text = "A later read shows the role again: "
	}
	text = stop(text + describe.Read(s.names, c.Read, s.plan))
	for _, d := range c.Drift {
		text += " By hand: " + stop(d)
	}
	return text
}

func (s sentence) drifted(d ledger.Drift) string {
	verb := "revoke"
	if d.Action == "adopt" {
		verb = "adopt"
	}
	return fmt.Sprintf("The worker starts to %s role %s at %s of %s, by drift rule %q: it is %s since %s.", verb,
		s.names.Role(d.Holding.RoleID), s.names.Scope(access.Scope{Level: d.Holding.Level, ID: d.Holding.ScopeID}),
		s.principal(d.Principal), d.Rule, d.Found, describe.Second(d.Since))
}

func notified(n ledger.Notification) string {
	to := n.Sender
	if n.To != "" {
		to += " of " + describe.Person(n.To)
	}
	result := string(n.Result)
	if n.Result == ledger.GaveUp {
		result = "given up, since the receiver was down for too long"
	}
	return stop(fmt.Sprintf("The notification %q to %s is %s%s", n.Event, to, result, comment(n.Error)))
}

// principal names a principal as the plan does, if that is about the same one.
func (s sentence) principal(r access.PrincipalRef) string {
	if s.plan != nil && s.plan.Principal.ID == r.ID && s.plan.Principal.Kind == r.Kind {
		r = s.plan.Principal
	}
	return describe.Principal(r)
}

func place(p access.TokenPlace) string {
	text := p.Sink
	if p.Path != "" {
		text += " " + p.Path
	}
	return text + ", valid until " + describe.Second(p.ExpiresAt)
}

// operation begins a sentence.
func operation(op access.Op) string {
	text := describe.Operation(op)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func signedText(signed string) string {
	switch signed {
	case "":
		return ""
	case access.Unsigned:
		return ", unsigned"
	}
	return ", signed by " + signed
}

func comment(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func refused(text, why string) string {
	if why == "" {
		return stop(text)
	}
	return stop(text) + " That does not count: " + stop(why)
}

// stop ends a sentence.
func stop(text string) string {
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}
