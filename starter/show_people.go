package main

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
)

// peopleEvents are what was said by people and to them.
func (d requestRecord) peopleEvents() []event {
	var out []event
	for _, v := range d.decisionRecords() {
		out = append(out, d.voiceEvent(v))
	}
	for _, entry := range d.entries {
		switch body := entry.body.(type) {
		case ledger.Notification:
			out = append(out, notificationEvent(entry.At, body))
		case ledger.Delegation:
			out = append(out, delegationEvent(entry.At, body))
		}
	}
	return out
}

func (d requestRecord) voiceEvent(v decisionRecord) event {
	text := fmt.Sprintf("%s: %s", v.By, v.said())
	switch {
	case v.Refusal != "":
		return event{v.At, "does not count", text + " – " + v.Refusal}
	case !d.current(v):
		return event{v.At, "no longer counts", text + " – on an earlier plan"}
	}
	return event{v.At, "decision", text}
}

// notificationEvent is one delivery: "requested to webhook: delivered".
func notificationEvent(at time.Time, n ledger.Notification) event {
	result := string(n.Result)
	if n.Result == ledger.GaveUp {
		result = "given up, the receiver was down for too long"
	}
	text := fmt.Sprintf("%s to %s: %s", n.Event, n.Sender, result)
	if n.Error != "" {
		text += ", " + n.Error
	}
	return event{at, "notification", text}
}

// delegationEvent is that somebody's decisions are another's for a time.
func delegationEvent(at time.Time, kept ledger.Delegation) event {
	d := kept.Delegation
	text := fmt.Sprintf("%s to %s", orUnknown(d.By), orUnknown(d.To))
	if !d.Until.IsZero() {
		text += " until " + describe.Second(d.Until)
	}
	if d.Comment != "" {
		text += ": " + d.Comment
	}
	if kept.Refusal != "" {
		return event{at, "does not count", "delegation of " + text + " – " + kept.Refusal}
	}
	return event{at, "delegation", text}
}
