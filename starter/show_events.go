package main

import (
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
)

// event is one line of what happened.
type event struct {
	at         time.Time
	step, what string
}

func eventRows(events []event) [][]string {
	rows := make([][]string, len(events))
	for i, e := range events {
		rows[i] = []string{describe.Second(e.at), e.step, e.what}
	}
	return rows
}

// events are what happened, in order of time: of changes that are settled the proof
// tells, of others the ledger.
func (d requestRecord) events() []event {
	n := describe.NewNames(d.names, d.plan)
	var out []event
	settled := map[string]bool{}
	for _, proof := range d.proofs {
		settled[proof.Key] = true
		out = append(out, d.proofEvents(n, proof)...)
	}
	for _, entry := range d.entries {
		switch {
		case entry.unreadable != nil:
			out = append(out, event{entry.At, stateUnreadable, entry.unreadable.Error()})
		case !settled[ledger.ChangeOf(entry.Entry)]:
			out = append(out, entryEvents(entry)...)
		}
	}
	out = append(out, d.peopleEvents()...)
	out = append(out, d.extensionEvents()...)
	if d.receipt != nil {
		out = append(out, event{d.receipt.FinishedAt, "receipt", d.receipt.State})
	}
	slices.SortStableFunc(out, func(a, b event) int { return a.at.Compare(b.at) })
	return out
}

// entryEvents are plans, and writes of which nothing is settled yet.
func entryEvents(entry record) []event {
	switch body := entry.body.(type) {
	case ledger.Request:
		return planEvents(entry.At, body.Plan)
	case ledger.Write:
		return []event{{body.Write.At, "write", body.Write.Call + ": about to be sent"}}
	case ledger.Answer:
		return []event{writeEvent("answer", body.Write)}
	}
	return nil
}

// planEvents is a plan that was made, or nothing for a request that never had one.
func planEvents(at time.Time, plan access.Plan) []event {
	switch {
	case plan.Refusal != "":
		return []event{{at, "plan", "refused"}}
	case !isMade(&plan):
		return nil
	}
	return []event{{at, "plan", describe.Expected(plan.Expected)}}
}

func (d requestRecord) proofEvents(n describe.Names, proof access.Proof) []event {
	var out []event
	for _, w := range proof.Writes {
		out = append(out, writeEvent(describe.Operation(proof.Op), w))
	}
	for _, r := range proof.Reads {
		out = append(out, event{r.At, describe.Operation(proof.Op) + ": read", describe.Read(n, r, d.plan)})
	}
	return out
}

func writeEvent(op string, w access.Write) event {
	said := "no answer"
	if w.Status != 0 {
		said = fmt.Sprint(w.Status)
	}
	text := w.Call + ": " + said
	if w.Error != "" {
		text += ", " + w.Error
	}
	return event{w.At, op + ": write", text}
}
