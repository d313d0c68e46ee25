package main

import (
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/workflows"
)

// block is what somebody must know before deciding: who asks for what and why, what it
// changes, what others have said, and what this word counts for.
func (d deciding) block(id string, s workflows.RequestStatus) [][]string {
	plan := *s.Plan
	facts := [][]string{
		{"request", id},
		{"asked", fmt.Sprintf("by %s on %s", orUnknown(s.Requester), instant(s.StartedAt))},
	}
	if plan.Terms.Reason != "" {
		facts = append(facts, []string{"reason", plan.Terms.Reason})
	}
	facts = append(facts, []string{"what", what(plan)})
	if !plan.Terms.StartAt.IsZero() {
		facts = append(facts, []string{"start", instant(plan.Terms.StartAt)})
	}
	facts = append(facts, planDetails(newNaming(d.known, &plan), plan)...)
	if from, to := plan.Before.Level, plan.After.Level; from != to && len(plan.Before.Held) > 0 {
		facts = append(facts, []string{"level", fmt.Sprintf("it moves from %s to %s level", from, to)})
	}
	var said []string
	var voices []voice
	if s.Consent != nil {
		for _, decision := range s.Consent.Decisions {
			v := voice{Decision: decision}
			voices = append(voices, v)
			said = append(said, fmt.Sprintf("%s on %s: %s", v.By, instant(v.At), v.said()))
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
	by := access.Fold(d.in.By)
	switch {
	case !asks(s):
		return "comes too late: the state is " + stateAndWait(s)
	case by == access.Fold(s.Requester):
		return "does not count: it is your own request"
	case by == access.Fold(s.Plan.Principal.Email):
		return "does not count: you would get the role"
	case !counts(s, d.in.By):
		return fmt.Sprintf("may not count: %s is not asked now; it waits %s", d.in.By, waitsFor(*s.Consent))
	}
	c := *s.Consent
	step := fmt.Sprintf("step %d of %d", c.Step+1, c.Steps)
	if s.State != workflows.StateAwaiting {
		step = "the review"
	}
	return fmt.Sprintf("counts for %s, which waits %s", step, waitsFor(c))
}

func waitsFor(c workflows.ConsentStatus) string {
	return fmt.Sprintf("for %d of %d from %s until %s",
		c.Need-c.Given, c.Need, strings.Join(c.From, ", "), instant(c.Until))
}
