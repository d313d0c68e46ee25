package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
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
func (d dossier) events() []event {
	n := describe.NewNames(d.names, d.plan)
	var out []event
	settled := map[string]bool{}
	for _, proof := range d.proofs {
		settled[proof.Key] = true
		out = append(out, d.proofEvents(n, proof)...)
	}
	for _, entry := range d.entries {
		if entry.Kind == activities.EntryRequest {
			out = append(out, planEvents(entry)...)
			continue
		}
		change, _, _ := strings.Cut(entry.Key, "/"+entry.Kind)
		if !settled[change] {
			out = append(out, sentEvents(entry.Kind, entry.Body)...)
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

// planEvents is a plan that was made, or nothing for a request that never had one.
func planEvents(entry store.LedgerEntry) []event {
	var plan access.Plan
	switch err := json.Unmarshal(entry.Body, &plan); {
	case err != nil:
		return []event{{entry.At, "plan", "made"}}
	case plan.Refusal != "":
		return []event{{entry.At, "plan", "refused"}}
	case !isMade(&plan):
		return nil
	}
	return []event{{entry.At, "plan", describe.Expected(plan.Expected)}}
}

func (d dossier) proofEvents(n describe.Names, proof access.Proof) []event {
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

// sentEvents are writes of which nothing is settled yet.
func sentEvents(kind string, body []byte) []event {
	switch kind {
	case activities.EntryWrite:
		var sent struct {
			Write access.Write `json:"write"`
		}
		if json.Unmarshal(body, &sent) == nil {
			return []event{{sent.Write.At, "write", sent.Write.Call + ": about to be sent"}}
		}
	case activities.EntryAnswer:
		var answer struct {
			access.Write

			Of *access.Write `json:"write"` // of an account
		}
		if json.Unmarshal(body, &answer) != nil {
			return nil
		}
		if answer.Of != nil {
			answer.Write = *answer.Of
		}
		return []event{writeEvent("answer", answer.Write)}
	}
	return nil
}
