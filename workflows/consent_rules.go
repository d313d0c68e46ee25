package workflows

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// mostRefused bounds how often a request takes down decisions that do not count.
const mostRefused = 500

// look says why a decision does not count, or "". Where that is only that somebody may
// not decide here, it also says who may, and might have handed it to them.
func (c *consent) look(d access.Decision) (why string, delegators []string) {
	if why = c.mayNot(d); why != "" {
		return why, nil
	}
	if why = c.notEntitled(d); why != "" {
		return why, c.delegators(d)
	}
	return "", nil
}

// mayNot says why a decision does not count, whoever may decide; or "".
func (c *consent) mayNot(d access.Decision) string {
	by := access.Fold(d.By)
	switch {
	case by == "":
		return `"by" is missing: say who decides, as in {"by":"carol@example.com"}`
	case c.verdict != "":
		return c.decidedAlready()
	case c.state != wire.StateAwaitingApproval && c.state != wire.StateActive && !c.reviewing:
		return "there is nothing to decide: the state is " + c.state
	case c.asks(d.By):
		return "the requester does not decide about the own request: " + d.By + " has asked for it"
	case c.gets(d.By):
		return "nobody decides about a role of their own: " + d.By + " would get it"
	}
	if e, has := approval.HasDecided(c.decisions, d.By); has && by == access.Fold(e.By) {
		return fmt.Sprintf("%s has decided already: %s at %s", d.By, e.Action, at(e.At))
	} else if has {
		return fmt.Sprintf("%s has decided already for %s: %s at %s", e.By, e.OnBehalfOf, e.Action, at(e.At))
	}
	return c.widens(d)
}

func (c *consent) asks(person string) bool {
	return access.Fold(person) == access.Fold(c.asked.Terms.Requester)
}

func (c *consent) gets(person string) bool {
	return c.plan != nil && c.plan.Principal.Email != "" && access.Fold(person) == access.Fold(c.plan.Principal.Email)
}

func (c *consent) decidedAlready() string {
	if n := len(c.decisions); n > 0 {
		last := c.decisions[n-1]
		return fmt.Sprintf("it is decided already: %s, last by %s at %s", c.verdict, last.Who(), at(last.At))
	}
	return fmt.Sprintf("it is decided already: %s at %s", c.verdict, at(c.until))
}

// tooLate says why a decision does not count that came when the time to decide was over,
// though nothing has closed it yet: another one may be looked at for long, or no worker
// was there when the time ended.
func (c *consent) tooLate(came time.Time) string {
	if c.verdict != "" || len(c.steps) == 0 || came.Before(c.until) {
		return ""
	}
	return "it is too late to decide: there was time until " + at(c.until)
}

// notEntitled says why a person may not decide: an approval needs the open step, a
// denial any that is left.
func (c *consent) notEntitled(d access.Decision) string {
	steps := c.stepsFor(d.Action)
	for _, i := range steps {
		if c.entitled(i, d.By) {
			return ""
		}
	}
	if len(steps) == 0 {
		return "there is nothing to decide"
	}
	return fmt.Sprintf("%s may not decide this: it waits %s", d.By, c.waitingFor())
}

// widens says that a decision would give more than was asked for.
func (c *consent) widens(d access.Decision) string {
	terms := c.terms()
	narrows := d.Duration != 0 || !d.StartAt.IsZero()
	switch {
	case c.reviewing && narrows:
		return "a review does not change the grant: approve it as it is, deny it, or end it with `starter end`"
	case c.asked.Account != nil && narrows:
		return "a new account is made at once and holds its role for good: approve it as it is, or deny it"
	case c.asked.Op == access.OpRevoke && narrows:
		return "a revoke has no duration and no start that could be changed: approve it as it is, or deny it"
	case d.Duration < 0:
		return fmt.Sprintf("duration is %s: it must be above 0", d.Duration)
	case terms.Duration > 0 && d.Duration > terms.Duration:
		return fmt.Sprintf("an approver may shorten, not lengthen: it was asked for %s", terms.Duration)
	case !d.StartAt.IsZero() && d.StartAt.Before(terms.StartAt):
		return "an approver may start it later, not earlier: it was asked to start at " + at(terms.StartAt)
	case !d.StartAt.IsZero() && !d.StartAt.After(d.At):
		return "startAt is past: leave it out to start at once"
	case d.StartAt.Sub(d.At) > wire.MaxDuration:
		return fmt.Sprintf("startAt is %s: that is more than %s ahead", at(d.StartAt), access.Duration(wire.MaxDuration))
	case d.Action == actionApprove:
		return over(narrowed(terms, d), d.At)
	}
	return ""
}

// over says that a grant that is for a time from a named start on would end before it
// begins.
func over(t access.Terms, now time.Time) string {
	end := t.StartAt.Add(time.Duration(t.Duration))
	if t.StartAt.IsZero() || t.Duration == 0 || end.After(now) {
		return ""
	}
	return "it would end at " + at(end) + ", before it can start: deny it, and have it asked for anew"
}

// terms are what was asked for, as narrowed by those who have approved.
func (c *consent) terms() access.Terms {
	t := c.asked.Terms
	for _, d := range c.decisions {
		t = narrowed(t, d)
	}
	return t
}

func narrowed(t access.Terms, d access.Decision) access.Terms {
	if d.Duration > 0 {
		t.Duration = d.Duration
	}
	if !d.StartAt.IsZero() {
		t.StartAt = d.StartAt
	}
	return t
}
