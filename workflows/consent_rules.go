package workflows

import (
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// mostRefused bounds how often a request takes down decisions that do not count.
const mostRefused = 500

// mayNot says why a decision does not count, or "".
func (c *consent) mayNot(d access.Decision) string {
	by := access.Fold(d.By)
	switch {
	case by == "":
		return `"by" is missing: say who decides, as in {"by":"carol@example.com"}`
	case c.verdict != "":
		return c.decidedAlready()
	case c.state != StateAwaiting && c.state != StateActive:
		return "there is nothing to decide: the state is " + c.state
	case by == access.Fold(c.asked.Terms.Requester):
		return "the requester does not decide about the own request: " + d.By + " has asked for it"
	case c.plan != nil && by == access.Fold(c.plan.Principal.Email):
		return "nobody decides about a role of their own: " + d.By + " would get it"
	}
	for _, e := range c.decisions {
		if by == access.Fold(e.By) {
			return fmt.Sprintf("%s has decided already: %s at %s", d.By, e.Action, at(e.At))
		}
	}
	if why := c.notEntitled(d); why != "" {
		return why
	}
	return c.widens(d)
}

func (c *consent) decidedAlready() string {
	if n := len(c.decisions); n > 0 {
		last := c.decisions[n-1]
		return fmt.Sprintf("it is decided already: %s, last by %s at %s", c.verdict, last.By, at(last.At))
	}
	return fmt.Sprintf("it is decided already: %s at %s", c.verdict, at(c.until))
}

// notEntitled says why a person may not decide: an approval needs the open step, a
// denial any that is left.
func (c *consent) notEntitled(d access.Decision) string {
	last := c.step + 1
	if d.Action == actionDeny {
		last = len(c.steps)
	}
	for i := c.step; i < last && i < len(c.steps); i++ {
		if entitled(c.steps[i], access.Fold(d.By)) {
			return ""
		}
	}
	if c.step >= len(c.steps) {
		return "there is nothing to decide"
	}
	return fmt.Sprintf("%s may not decide this: it waits %s", d.By, c.waitingFor())
}

// entitled says whether somebody may decide a step.
func entitled(s access.ApprovalStep, by string) bool {
	return s.Anyone() || slices.Contains(s.People, by)
}

// widens says that a decision would give more than was asked for.
func (c *consent) widens(d access.Decision) string {
	terms := c.terms()
	switch {
	case d.Duration < 0:
		return fmt.Sprintf("duration is %s: it must be above 0", d.Duration)
	case d.Duration > 0 && terms.Duration == 0:
		return "" // for a time instead of for good
	case d.Duration > terms.Duration:
		return fmt.Sprintf("an approver may shorten, not lengthen: it was asked for %s", terms.Duration)
	case !d.StartAt.IsZero() && d.StartAt.Before(terms.StartAt):
		return "an approver may start it later, not earlier: it was asked to start at " + at(terms.StartAt)
	case !d.StartAt.IsZero() && !d.StartAt.After(d.At):
		return "startAt is past: leave it out to start at once"
	}
	return ""
}

// terms are what was asked for, as narrowed by those who have approved.
func (c *consent) terms() access.Terms {
	t := c.asked.Terms
	for _, d := range c.decisions {
		if d.Duration > 0 {
			t.Duration = d.Duration
		}
		if !d.StartAt.IsZero() {
			t.StartAt = d.StartAt
		}
	}
	return t
}
