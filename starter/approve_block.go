package main

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// block lists what an approver must know before deciding: the requester, the change and its
// reason, earlier decisions, and what this decision counts toward.
func (d pendingDecision) block(id string, s wire.RequestStatus) [][]string {
	plan := *s.Plan
	facts := [][]string{
		{"request", id},
		{"requested", fmt.Sprintf("by %s on %s", describe.Person(s.Requester), describe.Second(s.StartedAt))},
	}
	if plan.Terms.Reason != "" {
		facts = append(facts, []string{"reason", plan.Terms.Reason})
	}
	facts = append(facts, extensionFacts(s)...)
	facts = append(facts, []string{"what", describe.Plan(plan)})
	facts = append(facts, planRows(describe.NewNames(d.known, &plan), plan)...)
	if level := levelText(plan); level != "" {
		facts = append(facts, []string{"level", level})
	}
	var said []string
	var decisions []requestrecord.Decision
	if s.Approval != nil {
		for _, decision := range s.Approval.Decisions {
			v := requestrecord.Decision{Decision: decision}
			decisions = append(decisions, v)
			said = append(said, v.Line())
		}
	}
	facts = append(facts, list("decided", said)...)
	if text := requestrecord.Narrowed(decisions); text != "" {
		facts = append(facts, []string{"narrowed", text})
	}
	return append(facts, []string{"your decision", d.weight(s)})
}

// levelText says to which level the principal moves; "" if it does not.
func levelText(plan access.Plan) string {
	const text = "the principal moves from %s to %s level"
	switch {
	case plan.Effect != nil && plan.Effect.LevelChange == nil:
	case plan.Effect != nil:
		return fmt.Sprintf(text, plan.Effect.LevelChange.From, plan.Effect.LevelChange.To)
	case plan.Before.Level != plan.After.Level && plan.Before.Len() > 0:
		return fmt.Sprintf(text, plan.Before.Level, plan.After.Level)
	}
	return ""
}

// weight describes what the person's decision counts toward.
func (d pendingDecision) weight(s wire.RequestStatus) string {
	e := pending.Eligibility(s, d.in.By, d.action)
	switch {
	case e.Eligible:
	case !pending.IsPending(s):
		return "comes too late: " + e.Refusal.Text
	case e.Refusal.Reason == approval.NotEligible || e.Refusal.Reason == approval.NotEscalated:
		return "may not count: " + e.Refusal.Text // a delegation may be newer than the status
	default:
		return "does not count: " + e.Refusal.Text
	}
	c := *s.Approval
	step := fmt.Sprintf("step %d of %d", c.Step+1, c.Steps)
	if c.Review {
		step = "the review"
	}
	text := fmt.Sprintf("counts toward %s (needs %s, from %s, until %s)", step,
		describe.Plural(c.Need-c.Given, "more approval"), strings.Join(c.From, ", "), describe.Second(c.Until))
	if by := e.Delegation; by != nil {
		text += fmt.Sprintf(", in the place of %s, whose delegation to you ends at %s",
			strings.TrimSpace(by.By), describe.Second(by.Until))
	}
	return text
}

// extensionText is the later end that a status of an extension asks for; "" for others.
func extensionText(s wire.RequestStatus) string {
	if !livestatus.IsExtension(s) {
		return ""
	}
	x := s.Extension.Asked
	return fmt.Sprintf("extension by %s until %s", x.Duration, describe.Second(x.EndsAt))
}

// extensionFacts say who requests which later end.
func extensionFacts(s wire.RequestStatus) [][]string {
	text := extensionText(s)
	if text == "" {
		return nil
	}
	x := s.Extension.Asked
	text += fmt.Sprintf(", requested by %s on %s", describe.Person(x.By), describe.Second(x.At))
	if x.Comment != "" {
		text += ": " + x.Comment
	}
	return [][]string{{"extension", text}, {"ends now at", describe.Second(x.From)}}
}
