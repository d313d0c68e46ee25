package requestrecord

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

// Decision is one decision on record, whether it counts or not.
type Decision struct {
	access.Decision

	Refusal string // why it does not count; "" if it counts
}

// Decisions returns all decisions in order. Only the ledger has those that do not count;
// without it they are missing.
func (r Record) Decisions() []Decision {
	var out []Decision
	for _, entry := range r.Entries {
		if body, is := entry.Body.(ledger.Decision); is {
			out = append(out, Decision{Decision: body.Decision, Refusal: body.Refusal})
		}
	}
	if out != nil {
		return out
	}
	for _, decision := range r.counted() {
		out = append(out, Decision{Decision: decision})
	}
	return out
}

// counted are the decisions that counted when they were taken, by receipt or status.
func (r Record) counted() []access.Decision {
	switch {
	case r.Receipt != nil:
		return r.Receipt.Decisions
	case r.Status != nil && r.Status.Approval != nil:
		return r.Status.Approval.Decisions
	}
	return nil
}

// isCurrent reports whether a decision counts and is about the current plan.
func (r Record) isCurrent(d Decision) bool {
	return d.Refusal == "" && (r.Plan == nil || d.PlanHash == "" || d.PlanHash == r.Plan.Hash)
}

// CurrentDecisions returns the decisions that count on the current plan.
func (r Record) CurrentDecisions() []Decision {
	return slices.DeleteFunc(r.Decisions(), func(d Decision) bool { return !r.isCurrent(d) })
}

// Outdated is the number of decisions that no longer count since the plan has changed.
func (r Record) Outdated() int {
	n := 0
	for _, d := range r.Decisions() {
		if d.Refusal == "" && !r.isCurrent(d) && r.extensionOf(d) == nil {
			n++
		}
	}
	return n
}

// Text is the decision without its approver, as in "approve, unsigned, for 2h: on call".
func (d Decision) Text() string {
	text := d.Action
	if d.Signed != "" {
		text += ", " + signedText(d.Signed)
	}
	if d.OnBehalfOf != "" {
		text += ", on behalf of " + d.OnBehalfOf
	}
	if narrowed := d.Narrowed(); narrowed != "" {
		text += ", " + narrowed
	}
	if d.Comment != "" {
		text += ": " + d.Comment
	}
	return text
}

// Line is the decision with its approver and time.
func (d Decision) Line() string { return d.By + " on " + describe.Second(d.At) + ": " + d.Text() }

// Narrowed says which shorter duration or later start it approves, as in "for 2h"; "" if
// it approves all that was requested.
func (d Decision) Narrowed() string {
	var parts []string
	if d.Duration > 0 {
		parts = append(parts, describe.Term(d.Duration))
	}
	if !d.StartAt.IsZero() {
		parts = append(parts, "from "+describe.Second(d.StartAt)+" on")
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

// Narrowed says what approvals have left of the request and who narrowed it, as in "for 2h,
// by dave@example.com"; "" if they left all of it.
func Narrowed(decisions []Decision) string {
	var last Decision
	var by []string
	for _, d := range decisions {
		if d.Action != approval.Approve || d.Narrowed() == "" {
			continue
		}
		if by = append(by, d.By); d.Duration > 0 {
			last.Duration = d.Duration
		}
		if !d.StartAt.IsZero() {
			last.StartAt = d.StartAt
		}
	}
	if len(by) == 0 {
		return ""
	}
	return last.Narrowed() + ", by " + strings.Join(by, " and ")
}

// Pending is an approval with an open step.
type Pending struct {
	approval.State

	Delegations []access.Delegation // by which people may decide the open step
	// Estimated says that the deadline is estimated: the record does not say when the
	// step was opened.
	Estimated bool
}

// Pending returns the approval that waits for decisions, by the workflow, else by the
// ledger; ok is false if none does.
func (r Record) Pending() (p Pending, ok bool) {
	if r.Receipt != nil || r.Over || r.Plan == nil {
		return p, false
	}
	if r.Status == nil {
		return r.pendingByLedger()
	}
	if !pending.IsPending(*r.Status) {
		return p, false
	}
	p.State, ok = livestatus.ApprovalOf(*r.Status)
	p.Delegations = pending.Delegations(r.Status.Approval)
	return p, ok
}

// pendingByLedger replays the decisions of the ledger.
func (r Record) pendingByLedger() (p Pending, ok bool) {
	opened := approval.Of(*r.Plan, r.PlannedAt)
	estimate := opened.Deadline
	opened.Deadline = time.Time{}
	current := r.CurrentDecisions()
	decisions := make([]access.Decision, len(current))
	for i, d := range current {
		decisions[i] = d.Decision
	}
	p.State = approval.Replay(opened, decisions).State
	if p.Estimated = p.Deadline.IsZero(); p.Estimated {
		p.Deadline = estimate
	}
	_, ok = p.OpenStep()
	return p, ok
}
