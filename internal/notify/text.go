package notify

import (
	"cmp"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/wire"
)

// medium is how a receiver is written to.
type medium struct {
	ours func(string) string // our own words
	name func(string) string // a name or an id from outside
	text func(string) string // a sentence from outside, such as a reason
}

// plain is for the webhook's text and for e-mail.
var plain = medium{ours: describe.Text, name: plainName, text: plainQuote}

// plainName leaves a name without blanks and punctuation as it is, and quotes any other, so
// that it does not continue our sentence.
func plainName(s string) string {
	s = describe.Shorten(describe.Text(s), describe.MaxName)
	if s != "" && strings.Trim(s, nameCharacters) == "" {
		return s
	}
	return plainQuote(s)
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@/+"

// plainQuote puts a text in one line between quotation marks that it cannot close.
func plainQuote(s string) string {
	s = describe.Shorten(describe.Text(s), describe.MaxReason)
	return `"` + strings.ReplaceAll(s, `"`, "'") + `"`
}

// Text is the event in a sentence or two, for the webhook: names are in it, reasons and
// comments are not.
func Text(e Event) string { return strings.Join(sentences(e, plain), ". ") }

// subject is what the event is about in one line: "[console] request: type".
func subject(e Event, m medium) string {
	if e.Request == "" {
		return fmt.Sprintf("[%s] %s", m.ours(e.Console), typeInWords(e.Type))
	}
	return fmt.Sprintf("[%s] %s: %s", m.ours(e.Console), m.name(e.Request), typeInWords(e.Type))
}

// typeInWords turns "aboutToExpire" into "about to expire".
func typeInWords(typ string) string {
	var b strings.Builder
	for i, r := range typ {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "sentinel one", "SentinelOne")
}

// sentences say what has happened, without a full stop at their end.
func sentences(e Event, m medium) []string {
	var out []string
	switch {
	case e.Type == wire.EventQuarantined:
		out = append(out, "A sync is quarantined until someone confirms or discards it")
	case e.Type == wire.EventTokenExpires && e.Principal != nil:
		out = append(out, fmt.Sprintf("The API token of service user %s expires soon: "+
			"make a new one with `starter service-user rotate`", m.name(cmp.Or(e.Principal.Name, e.Principal.ID))))
	case e.Type == wire.EventTokenExpires:
		out = append(out, "The API token of the worker expires soon: "+
			"replace it with `starter service-user rotate --own`, "+
			"or create a new token and configure the worker with it")
	case e.Type == wire.EventDrift:
		out = append(out, "New drift: "+drift.Counts(e.Drift).String()+
			". Run `starter drift` to see what the ledger does not explain")
	case e.Wait != nil:
		out = append(out, waitSentence(e))
	case e.Decision != nil:
		out = append(out, decisionSentence(*e.Decision, m))
	case e.Type == wire.EventAboutToExpire:
		out = append(out, "About to end at "+describe.Second(e.EndsAt))
	case e.Type == wire.EventUnauthorized:
		out = append(out, "A change was not written to the console, because it is not authorized")
	case e.Type == wire.EventOverdue:
		out = append(out, fmt.Sprintf("The system has ended access that was still in force after its end at %s: %s",
			describe.Second(e.EndsAt), describe.Outcome(e.Outcome)))
	case e.Outcome != "" || e.Type == wire.EventDecided || e.Type == wire.EventReleased:
		out = append(out, upperFirst(m.ours(describe.Result(e.State, e.Outcome))))
	case e.Type == wire.EventApplied && !e.EndsAt.IsZero():
		out = append(out, "In force until "+describe.Second(e.EndsAt))
	case e.Type == wire.EventApplied:
		out = append(out, "In force")
	}
	if x := e.Extension; x != nil {
		out = append(out, fmt.Sprintf("%s asks to extend the grant by %s, until %s",
			person(x.By, x.Signed, m), describe.Duration(x.Duration), describe.Second(x.EndsAt)))
	}
	if e.Requester != "" {
		out = append(out, requestSentence(e, m))
	}
	if e.Pending != "" {
		out = append(out, "Pending "+m.ours(e.Pending))
	}
	return out
}

func waitSentence(e Event) string {
	what := "A change waits for SentinelOne"
	if strings.HasPrefix(e.Wait.Error, access.GivingFrozen) {
		what = "A change waits, because giving access is frozen,"
	}
	if e.Wait.Release {
		what = "Access that must end is still in force"
	}
	return fmt.Sprintf("%s after %s, since %s", what, describe.Plural(e.Wait.Attempt, "attempt"),
		describe.Second(e.Wait.Since))
}

func decisionSentence(d Decision, m medium) string {
	what := "Approved by "
	if d.Action == "deny" {
		what = "Denied by "
	}
	what += person(d.By, d.Signed, m)
	if d.OnBehalfOf != "" {
		what += " for " + m.name(d.OnBehalfOf)
	}
	return what
}

// requestSentence is "bob@example.com (unsigned) requests SOC for ana@example.com at site
// "Acme / Berlin" for 4h".
func requestSentence(e Event, m medium) string {
	out := person(e.Requester, e.RequesterSigned, m) + " requests " + requested(e, m)
	if e.Duration > 0 {
		out += " for " + describe.Duration(e.Duration)
	}
	return out
}

func requested(e Event, m medium) string {
	if e.Principal == nil || e.Role == nil || e.Scope == nil {
		return "a change"
	}
	who := m.name(cmp.Or(e.Principal.Email, e.Principal.Name, e.Principal.ID, "-"))
	kind, role, at := describe.Kind(e.Principal.Kind), m.name(cmp.Or(e.Role.Name, e.Role.ID, "-")), scope(*e.Scope, m)
	switch e.Operation {
	case access.OpRevoke:
		return fmt.Sprintf("the removal of %s from %s at %s", role, who, at)
	case access.OpDelete:
		return fmt.Sprintf("the deletion of %s %s", kind, who)
	case access.OpReset:
		return fmt.Sprintf("that %s keeps %s at %s and no other role", who, role, at)
	case access.OpCreate:
		return fmt.Sprintf("a new %s %s with %s at %s", kind, who, role, at)
	case access.OpRotate:
		return fmt.Sprintf("a new API token for %s %s", kind, who)
	case access.OpGrant, access.OpAcquire, access.OpRelease:
	}
	return fmt.Sprintf("%s for %s at %s", role, who, at)
}

func scope(s access.ScopeRef, m medium) string {
	if s.Level == access.Tenant {
		return "tenant level"
	}
	return m.ours(string(s.Level)) + " " + m.name(cmp.Or(s.Name, s.ID, "-"))
}

// person is a name, and that it is only a claim where nobody signed.
func person(name, signed string, m medium) string {
	if signed == "" || signed == access.Unsigned {
		return m.name(name) + " (unsigned)"
	}
	return m.name(name)
}

// facts are what other people or the console said, each in a line that says whose words
// they are; and the head of the ledger.
func facts(e Event, m medium) []string {
	var out []string
	add := func(label, value string) {
		if value != "" {
			out = append(out, label+": "+m.text(value))
		}
	}
	add("Reason given by "+person(e.Requester, e.RequesterSigned, m), e.Reason)
	if x := e.Extension; x != nil {
		add("Comment by "+person(x.By, x.Signed, m), x.Comment)
	}
	if d := e.Decision; d != nil {
		add("Comment by "+person(d.By, d.Signed, m), d.Comment)
	}
	if e.Wait != nil {
		add("Last error", e.Wait.Error)
	}
	for _, text := range e.Details {
		add("Why", text)
	}
	if h := e.LedgerHead; h != nil {
		out = append(out, fmt.Sprintf("Ledger head: entry %d, %s", h.Seq, h.Hash))
	}
	return out
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
