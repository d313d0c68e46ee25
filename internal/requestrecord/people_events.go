package requestrecord

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
)

// peopleEvents are decisions, delegations and notifications.
func (r Record) peopleEvents() []Event {
	var out []Event
	for _, d := range r.Decisions() {
		out = append(out, r.decisionEvent(d))
	}
	for _, entry := range r.Entries {
		switch body := entry.Body.(type) {
		case ledger.Notification:
			out = append(out, notificationEvent(entry.At, body))
		case ledger.Delegation:
			out = append(out, delegationEvent(entry.At, body))
		case ledger.ExtensionRequest:
			out = append(out, askedEvent(body))
		case ledger.Stop:
			out = append(out, stopEvent(body))
		case ledger.Drift:
			out = append(out, driftEvent(entry.At, body))
		case ledger.Overdue:
			out = append(out, overdueEvent(entry.At, body))
		case ledger.Unauthorized:
			out = append(out, r.unauthorizedEvent(entry.At, body))
		}
	}
	return out
}

const doesNotCount = "does not count"

func (r Record) decisionEvent(d Decision) Event {
	text := fmt.Sprintf("%s: %s", d.By, d.Text())
	switch {
	case d.Refusal != "":
		return Event{d.At, doesNotCount, text + " – " + d.Refusal}
	case r.extensionOf(d) != nil:
		return Event{d.At, "decision", text + " – on the extension until " + describe.Second(r.extensionOf(d).EndsAt)}
	case !r.isCurrent(d):
		return Event{d.At, "no longer counts", text + " – on an earlier plan"}
	}
	return Event{d.At, "decision", text}
}

// notificationEvent is one delivery, as in "requested to webhook: delivered", or "requested to e-mail
// of carol@example.com: delivered".
func notificationEvent(at time.Time, n ledger.Notification) Event {
	result := string(n.Result)
	if n.Result == ledger.GaveUp {
		result = "given up, the receiver was down for too long"
	}
	to := n.Sender
	if n.To != "" {
		to += " of " + describe.Person(n.To)
	}
	text := fmt.Sprintf("%s to %s: %s", n.Event, to, result)
	if n.Error != "" {
		text += ", " + n.Error
	}
	return Event{at, "notification", text}
}

// delegationEvent is a delegation by which a decision of this request was taken.
func delegationEvent(at time.Time, recorded ledger.Delegation) Event {
	d := recorded.Delegation
	text := fmt.Sprintf("%s to %s", describe.Person(d.By), describe.Person(d.To))
	if !d.Until.IsZero() {
		text += " until " + describe.Second(d.Until)
	}
	if d.Comment != "" {
		text += ": " + d.Comment
	}
	if recorded.Refusal != "" {
		return Event{at, doesNotCount, "delegation of " + text + " – " + recorded.Refusal}
	}
	return Event{at, "delegation", text}
}

// askedEvent is an extension that was asked for.
func askedEvent(asked ledger.ExtensionRequest) Event {
	x := asked.Extension
	text := fmt.Sprintf("%s asks for an end on %s, %s", describe.Person(x.By), describe.Second(x.EndsAt),
		signedText(x.Signed))
	if x.Comment != "" {
		text += ": " + x.Comment
	}
	if asked.Refusal != "" {
		return Event{x.At, doesNotCount, text + " – " + asked.Refusal}
	}
	return Event{x.At, "extension", text}
}

// stopEvent is a message that cancels a request or ends its access.
func stopEvent(sent ledger.Stop) Event {
	text := fmt.Sprintf("%s, %s", describe.Person(sent.By), signedText(sent.Signed))
	if sent.Comment != "" {
		text += ": " + sent.Comment
	}
	if sent.Refusal != "" {
		return Event{sent.At, doesNotCount, sent.Action + " by " + text + " – " + sent.Refusal}
	}
	return Event{sent.At, sent.Action, "by " + text}
}

// driftEvent is the drift rule that has the system request the revoke.
func driftEvent(at time.Time, d ledger.Drift) Event {
	return Event{at, "drift rule", fmt.Sprintf("%q of policy %.12s has the system revert: %s since %s",
		d.Rule, d.Policy, d.Found, describe.Second(d.Since))}
}

// overdueEvent is a release by the system itself.
func overdueEvent(at time.Time, o ledger.Overdue) Event {
	return Event{at, "released by the system", "it had to be gone by " + describe.Second(o.Due) +
		", and its request had not released it"}
}

// unauthorizedEvent is a change that was not written: which, by whose request, and why.
func (r Record) unauthorizedEvent(at time.Time, u ledger.Unauthorized) Event {
	text := fmt.Sprintf("%s was not written", describe.Operation(u.Op))
	if who := r.Requester(); who != "" {
		text += ", requested by " + describe.Person(who)
	}
	return Event{at, "not authorized", fmt.Sprintf("%s: %s (%s)", text, u.Text, u.Reason)}
}
