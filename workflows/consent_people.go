package workflows

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// stepsFor are the steps that a decision may be about: an approval the open one, a
// denial any that is left.
func (c *consent) stepsFor(action string) []int {
	last := len(c.steps)
	if action != actionDeny {
		last = min(c.step+1, last)
	}
	var out []int
	for i := c.step; i < last; i++ {
		out = append(out, i)
	}
	return out
}

// people may decide a step; everybody if there are none.
func (c *consent) people(step int) []string {
	s := c.steps[step]
	if s.Anyone() || c.escalated.IsZero() {
		return s.People
	}
	out := slices.Clone(s.People)
	for _, p := range c.escalateTo {
		if !slices.Contains(out, p) && !c.asks(p) && !c.gets(p) {
			out = append(out, p)
		}
	}
	return out
}

// entitled says whether somebody may decide a step.
func (c *consent) entitled(step int, person string) bool {
	return c.steps[step].Anyone() || slices.Contains(c.people(step), access.Fold(person))
}

// escalate lets more people decide the open step and all that follow, once. It says
// whether that makes a difference.
func (c *consent) escalate(now time.Time) bool {
	if !c.escalated.IsZero() {
		return false
	}
	before := 0
	for i := c.step; i < len(c.steps); i++ {
		before += len(c.people(i))
	}
	c.escalated = now.UTC()
	for i := c.step; i < len(c.steps); i++ {
		before -= len(c.people(i))
	}
	return before < 0
}

// letIn is when it was escalated to a person who may decide by that alone; else zero.
func (c *consent) letIn(action, person string) time.Time {
	for _, i := range c.stepsFor(action) {
		if s := c.steps[i]; s.Anyone() || slices.Contains(s.People, access.Fold(person)) {
			return time.Time{}
		}
	}
	return c.escalated
}

// delegators are the people who may decide in the place of whoever did, and have not:
// one of them may have handed it to them.
func (c *consent) delegators(d access.Decision) []string {
	var out []string
	for _, i := range c.stepsFor(d.Action) {
		for _, p := range c.people(i) {
			_, has := approval.HasDecided(c.decisions, p)
			if !has && !c.asks(p) && !c.gets(p) && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}
