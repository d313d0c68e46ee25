package requestrecord

import (
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
)

// Event is one thing that happened to a request.
type Event struct {
	At   time.Time
	Step string // as in "plan", "grant: write", "decision"
	Text string
}

// Events returns what happened, in order of time. Writes and reads come from the proof of
// a change where there is one, else from the ledger.
func (r Record) Events() []Event {
	var out []Event
	proven := map[string]bool{}
	names := describe.NewNames(r.Names, r.Plan)
	for _, proof := range r.Proofs {
		proven[proof.Key] = true
		out = append(out, r.proofEvents(names, proof)...)
	}
	for _, entry := range r.Entries {
		switch {
		case entry.Unreadable != nil:
			out = append(out, Event{entry.At, StateUnreadable, entry.Unreadable.Error()})
		case !proven[ledger.ChangeOf(entry.Entry)]:
			out = append(out, entryEvents(entry)...)
		}
	}
	out = append(out, r.peopleEvents()...)
	out = append(out, r.extensionEvents()...)
	if r.Receipt != nil {
		out = append(out, Event{r.Receipt.FinishedAt, "receipt", r.Receipt.State})
	}
	slices.SortStableFunc(out, func(a, b Event) int { return a.At.Compare(b.At) })
	return out
}

// entryEvents are plans, and writes that have no proof yet.
func entryEvents(entry Entry) []Event {
	switch body := entry.Body.(type) {
	case ledger.Request:
		return planEvents(entry.At, body.Plan)
	case ledger.Write:
		return []Event{{body.Write.At, "write", body.Write.Call + ": about to be sent"}}
	case ledger.Answer:
		return []Event{writeEvent("answer", body.Write)}
	}
	return nil
}

// planEvents is a plan that was made; none for a request that never had one.
func planEvents(at time.Time, plan access.Plan) []Event {
	switch {
	case plan.Refusal != "":
		return []Event{{at, "plan", "refused"}}
	case !IsPlanned(&plan):
		return nil
	}
	return []Event{{at, "plan", describe.Expected(plan.Expected)}}
}

func (r Record) proofEvents(n describe.Names, proof access.Proof) []Event {
	var out []Event
	for _, w := range proof.Writes {
		out = append(out, writeEvent(describe.Operation(proof.Op), w))
	}
	for _, read := range proof.Reads {
		out = append(out, Event{read.At, describe.Operation(proof.Op) + ": read", describe.Read(n, read, r.Plan)})
	}
	return out
}

func writeEvent(op string, w access.Write) Event {
	answer := "no answer"
	if w.Status != 0 {
		answer = fmt.Sprint(w.Status)
	}
	text := w.Call + ": " + answer
	if w.Error != "" {
		text += ", " + w.Error
	}
	if w.Restores {
		text += ", to restore what a write that arrived late had replaced"
	}
	return Event{w.At, op + ": write", text}
}

// extensionEvents are the moves of the end of access.
func (r Record) extensionEvents() []Event {
	var out []Event
	for _, x := range r.extensions() {
		out = append(out, Event{
			x.At, "extend", fmt.Sprintf("by %s by %s, to end on %s",
				describe.Person(x.By), x.Duration, describe.Second(x.EndsAt)),
		})
	}
	return out
}

// extensions come from the receipt, until there is one from the ledger.
func (r Record) extensions() []access.Extension {
	if r.Receipt != nil {
		return r.Receipt.Extensions
	}
	var out []access.Extension
	for _, entry := range r.Entries {
		if body, is := entry.Body.(ledger.Extension); is {
			out = append(out, body.Extension)
		}
	}
	return out
}

// extensionOf is the extension that a decision is on; nil if it is on a plan.
func (r Record) extensionOf(d Decision) *access.ExtensionRequest {
	if d.PlanHash == "" {
		return nil
	}
	for _, entry := range r.Entries {
		if body, is := entry.Body.(ledger.ExtensionRequest); is && body.Extension.Hash == d.PlanHash {
			return &body.Extension
		}
	}
	for _, x := range r.extensions() {
		if x.Asked != nil && x.Asked.Hash == d.PlanHash {
			return x.Asked
		}
	}
	return nil
}
