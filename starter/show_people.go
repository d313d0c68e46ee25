package main

import (
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// peopleEvents are what was said by people and to them.
func (d dossier) peopleEvents() []event {
	var out []event
	for _, v := range d.voices() {
		out = append(out, d.voiceEvent(v))
	}
	for _, entry := range d.entries {
		switch entry.Kind {
		case activities.EntryNotification:
			out = append(out, toldEvent(entry)...)
		case entryDelegation:
			out = append(out, delegationEvent(entry)...)
		}
	}
	return out
}

func (d dossier) voiceEvent(v voice) event {
	text := fmt.Sprintf("%s: %s", v.By, v.said())
	switch {
	case v.Refusal != "":
		return event{v.At, "does not count", text + " – " + v.Refusal}
	case !d.current(v):
		return event{v.At, "no longer counts", text + " – on an earlier plan"}
	}
	return event{v.At, "decision", text}
}

// toldEvent is one delivery: "requested to webhook: delivered".
func toldEvent(entry store.LedgerEntry) []event {
	var told struct {
		Type   string `json:"type"`
		Sender string `json:"sender"`
		Result string `json:"result"`
		Error  string `json:"error"`
	}
	if json.Unmarshal(entry.Body, &told) != nil {
		return nil
	}
	result := told.Result
	if result == "gaveUp" {
		result = "given up, the receiver was down for too long"
	}
	text := fmt.Sprintf("%s to %s: %s", told.Type, told.Sender, result)
	if told.Error != "" {
		text += ", " + told.Error
	}
	return []event{{entry.At, "notification", text}}
}

// delegationEvent is that somebody's decisions are another's for a time.
func delegationEvent(entry store.LedgerEntry) []event {
	var given struct {
		By      string    `json:"by"`
		To      string    `json:"to"`
		Until   time.Time `json:"until"`
		Comment string    `json:"comment"`
		Refusal string    `json:"refusal"`
	}
	if json.Unmarshal(entry.Body, &given) != nil {
		return nil
	}
	text := fmt.Sprintf("%s to %s", orUnknown(given.By), orUnknown(given.To))
	if !given.Until.IsZero() {
		text += " until " + describe.Second(given.Until)
	}
	if given.Comment != "" {
		text += ": " + given.Comment
	}
	if given.Refusal != "" {
		return []event{{entry.At, "does not count", "delegation of " + text + " – " + given.Refusal}}
	}
	return []event{{entry.At, "delegation", text}}
}

// Kinds of ledger entries about people.
const (
	entryDelegation = "delegation"
)
