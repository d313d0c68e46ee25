package main

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/workflows"
)

// block is what somebody must know before deciding: who asks for what and why, what it
// changes, what others have said, and what this word counts for.
func (d deciding) block(id string, s workflows.RequestStatus) [][]string {
	plan := *s.Plan
	facts := [][]string{
		{"request", id},
		{"asked", fmt.Sprintf("by %s on %s", orUnknown(s.Requester), describe.Second(s.StartedAt))},
	}
	if plan.Terms.Reason != "" {
		facts = append(facts, []string{"reason", plan.Terms.Reason})
	}
	facts = append(facts, []string{"what", describe.Plan(plan)})
	if !plan.Terms.StartAt.IsZero() {
		facts = append(facts, []string{"start", describe.Second(plan.Terms.StartAt)})
	}
	facts = append(facts, planRows(describe.NewNames(d.known, &plan), plan)...)
	if from, to := plan.Before.Level, plan.After.Level; from != to && len(plan.Before.Held) > 0 {
		facts = append(facts, []string{"level", fmt.Sprintf("it moves from %s to %s level", from, to)})
	}
	var said []string
	var voices []voice
	if s.Consent != nil {
		for _, decision := range s.Consent.Decisions {
			v := voice{Decision: decision}
			voices = append(voices, v)
			said = append(said, fmt.Sprintf("%s on %s: %s", v.By, describe.Second(v.At), v.said()))
		}
	}
	facts = append(facts, list("decided", said)...)
	if text := narrowedText(voices); text != "" {
		facts = append(facts, []string{"narrowed", text})
	}
	return append(facts, []string{"your word", d.weight(s)})
}

// weight says what the person's word counts for.
func (d deciding) weight(s workflows.RequestStatus) string {
	why := mayNot(s, d.in.By)
	switch {
	case !asks(s):
		return "comes too late: " + why
	case hasNoSay(s, d.in.By) != "":
		return "does not count: " + why
	case why != "":
		return "may not count: " + why
	}
	c := *s.Consent
	step := fmt.Sprintf("step %d of %d", c.Step+1, c.Steps)
	if c.Review {
		step = "the review"
	}
	if handed, ok := deputyOf(c, d.in.By); ok {
		step = fmt.Sprintf("%s, who handed their decisions to you until %s, in %s",
			strings.TrimSpace(handed.By), describe.Second(handed.Until), step)
	}
	return fmt.Sprintf("counts for %s, which waits %s", step, waitsFor(c))
}
