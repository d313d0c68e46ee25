package main

import (
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/pending"
)

// decisionRecord is one decision as it is on record, one that does not count too.
type decisionRecord struct {
	access.Decision

	Refusal string // why it does not count; "" if it counts
}

// decisionRecords are what people have said, in order. The ledger has what was refused as well;
// without it whoever knows the request tells what counted.
func (d requestRecord) decisionRecords() []decisionRecord {
	var out []decisionRecord
	for _, entry := range d.entries {
		if body, is := entry.body.(ledger.Decision); is {
			out = append(out, decisionRecord{Decision: body.Decision, Refusal: body.Refusal})
		}
	}
	if out != nil {
		return out
	}
	for _, decision := range d.decisions() {
		out = append(out, decisionRecord{Decision: decision})
	}
	return out
}

// decisions are those that counted when they were taken, by receipt or status.
func (d requestRecord) decisions() []access.Decision {
	switch {
	case d.receipt != nil:
		return d.receipt.Decisions
	case d.status != nil && d.status.Approval != nil:
		return d.status.Approval.Decisions
	}
	return nil
}

// current says that a decision counts, and is about the plan as it is now.
func (d requestRecord) current(v decisionRecord) bool {
	return v.Refusal == "" && (d.plan == nil || v.PlanHash == "" || v.PlanHash == d.plan.Hash)
}

// currentDecisions are the decisions on the plan as it is now.
func (d requestRecord) currentDecisions() []decisionRecord {
	return slices.DeleteFunc(d.decisionRecords(), func(v decisionRecord) bool { return !d.current(v) })
}

// decisionsIn are the decisions alone.
func decisionsIn(voices []decisionRecord) []access.Decision {
	out := make([]access.Decision, len(voices))
	for i, v := range voices {
		out[i] = v.Decision
	}
	return out
}

// said is "approve, unsigned, for 2h: on call".
func (v decisionRecord) said() string {
	text := v.Action
	if v.Signed != "" {
		text += ", " + signedText(v.Signed)
	}
	if v.OnBehalfOf != "" {
		text += ", on behalf of " + v.OnBehalfOf
	}
	if narrowed := v.narrowed(); narrowed != "" {
		text += ", " + narrowed
	}
	if v.Comment != "" {
		text += ": " + v.Comment
	}
	return text
}

// narrowed says what of it is less than what was asked for; "" if nothing is.
func (v decisionRecord) narrowed() string {
	var parts []string
	if v.Duration > 0 {
		parts = append(parts, describe.Term(v.Duration))
	}
	if !v.StartAt.IsZero() {
		parts = append(parts, "from "+describe.Second(v.StartAt)+" on")
	}
	return strings.Join(parts, " ")
}

// signedText is "unsigned", or by which key.
func signedText(signed string) string {
	if signed == access.Unsigned {
		return signed
	}
	return "signed by " + signed
}

// pendingApproval is an approval with an open step.
type pendingApproval struct {
	approval.State

	delegations []access.Delegation
	about       bool // the deadline is estimated: the record does not say when people were asked
}

// pending is the approval that waits for decisions, as the workflow says, else by the
// record; ok is false if none does.
func (d requestRecord) pending() (p pendingApproval, ok bool) {
	if d.receipt != nil || d.over || d.plan == nil {
		return p, false
	}
	if d.status == nil {
		return d.pendingByRecord()
	}
	if !pending.IsPending(*d.status) {
		return p, false
	}
	p.State, ok = livestatus.ApprovalOf(*d.status)
	p.delegations = pending.Delegations(d.status.Approval)
	return p, ok
}

// pendingByRecord replays the decisions of the record.
func (d requestRecord) pendingByRecord() (p pendingApproval, ok bool) {
	opened := approval.Of(*d.plan, d.plannedAt)
	estimate := opened.Deadline
	opened.Deadline = time.Time{}
	p.State = approval.Replay(opened, decisionsIn(d.currentDecisions())).State
	if p.about = p.Deadline.IsZero(); p.about {
		p.Deadline = estimate
	}
	_, ok = p.OpenStep()
	return p, ok
}
