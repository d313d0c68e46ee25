package main

import (
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/workflows"
)

// voice is one decision as it is on record, one that does not count too.
type voice struct {
	access.Decision

	Refusal string // why it does not count; "" if it counts
}

// voices are what people have said, in order. The ledger has what was refused as well;
// without it whoever knows the request tells what counted.
func (d dossier) voices() []voice {
	var out []voice
	for _, entry := range d.entries {
		if body, is := entry.body.(ledger.Decision); is {
			out = append(out, voice{Decision: body.Decision, Refusal: body.Refusal})
		}
	}
	if out != nil {
		return out
	}
	for _, decision := range d.decisions() {
		out = append(out, voice{Decision: decision})
	}
	return out
}

// decisions are those that counted when they were taken, by receipt or status.
func (d dossier) decisions() []access.Decision {
	switch {
	case d.receipt != nil:
		return d.receipt.Decisions
	case d.status != nil && d.status.Consent != nil:
		return d.status.Consent.Decisions
	}
	return nil
}

// current says that a decision counts, and is about the plan as it is now.
func (d dossier) current(v voice) bool {
	return v.Refusal == "" && (d.plan == nil || v.PlanHash == "" || v.PlanHash == d.plan.Hash)
}

// currents are the decisions on the plan as it is now.
func (d dossier) currents() []voice {
	return slices.DeleteFunc(d.voices(), func(v voice) bool { return !d.current(v) })
}

// spoken are the decisions alone.
func spoken(voices []voice) []access.Decision {
	out := make([]access.Decision, len(voices))
	for i, v := range voices {
		out[i] = v.Decision
	}
	return out
}

// said is "approve, unsigned, for 2h: on call".
func (v voice) said() string {
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
func (v voice) narrowed() string {
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

// openStep is the step that waits, by number, with those who may decide it now and until
// when; ok is false if none does.
type openStep struct {
	number, given int
	anyone        bool
	access.ApprovalStep

	deputies []workflows.Deputy
	until    time.Time
	about    bool // until is reckoned, not known
}

// open finds the step that waits: as the workflow says, else by the record.
func (d dossier) open() (step openStep, ok bool) {
	if d.receipt != nil || d.over || d.plan == nil {
		return step, false
	}
	if d.status != nil {
		if !asks(*d.status) {
			return step, false
		}
		return openOf(*d.status.Consent), true
	}
	return d.openByRecord()
}

func openOf(c workflows.ConsentStatus) openStep {
	return openStep{
		number: c.Step, given: c.Given, anyone: anyoneMay(c), until: c.Until, deputies: c.Delegates,
		ApprovalStep: access.ApprovalStep{Need: c.Need, Groups: c.From, People: c.People},
	}
}

// openByRecord works out which step waits from plan and decisions.
func (d dossier) openByRecord() (openStep, bool) {
	steps, within := stepsOf(d.plan.Approval)
	given := make([]int, len(steps))
	for _, v := range d.currents() {
		if v.Action == workflows.DenyUpdate {
			return openStep{}, false
		}
		if v.Step < len(given) {
			given[v.Step]++
		}
	}
	for i, s := range steps {
		if given[i] < s.Need {
			return openStep{
				number: i, given: given[i], anyone: s.Anyone(), ApprovalStep: s,
				until: d.plannedAt.Add(time.Duration(within)), about: true,
			}, true
		}
	}
	return openStep{}, false
}

// stepsOf are the steps of an approval, or of the review of what started at once, with
// the time there is for them.
func stepsOf(a access.Approval) ([]access.ApprovalStep, access.Duration) {
	if a.Review != nil {
		return []access.ApprovalStep{a.Review.ApprovalStep}, a.Review.Within
	}
	return a.Steps, a.DecideWithin
}
