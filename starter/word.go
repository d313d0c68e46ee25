package main

import (
	"fmt"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/workflows"
)

// asks says whether a request waits for anybody's word, before it is carried out or
// about one that started at once.
func asks(s workflows.RequestStatus) bool {
	c := s.Consent
	if s.Plan == nil || s.Result != nil || c == nil || c.Verdict != "" || c.Step >= c.Steps {
		return false
	}
	return c.Review || s.State == workflows.StateAwaiting || s.State == workflows.StateActive
}

// counts says whether a person's word would count now.
func counts(s workflows.RequestStatus, who string) bool { return mayNot(s, who) == "" }

// mayNot says why a person's word would not count now, or "". It is the rule of the
// workflow, which has the last word: a no may also be of somebody of a later step, and of
// whoever decides for them.
func mayNot(s workflows.RequestStatus, who string) string {
	if why := hasNoSay(s, who); why != "" {
		return why
	}
	if _, deputy := deputyOf(*s.Consent, who); !deputy && !isNamed(*s.Consent, who) {
		return "others are asked: it waits " + waitsFor(*s.Consent)
	}
	return ""
}

// hasNoSay says why a person's word would not count, whoever is asked; or "".
func hasNoSay(s workflows.RequestStatus, who string) string {
	by := access.Fold(who)
	switch {
	case s.Plan == nil:
		return "the plan is not made yet: the state is " + stateAndWait(s)
	case s.Consent != nil && s.Consent.Verdict != "":
		return decidedAlready(*s.Consent)
	case !asks(s):
		return "there is nothing to decide: the state is " + stateAndWait(s)
	case by == "":
		return "who decides is not known"
	case by == access.Fold(s.Requester):
		return "you have asked for it: the requester does not decide"
	case by == access.Fold(s.Plan.Principal.Email):
		return "you would get it: nobody decides about a role of their own"
	}
	if d, has := access.HasDecided(s.Consent.Decisions, by); has && by == access.Fold(d.By) {
		return fmt.Sprintf("you have decided already: %s at %s", d.Action, describe.Second(d.At))
	} else if has {
		return fmt.Sprintf("%s has decided already for you: %s at %s", d.By, d.Action, describe.Second(d.At))
	}
	return ""
}

// isNamed says that the open step asks somebody themselves.
func isNamed(c workflows.ConsentStatus, who string) bool {
	return anyoneMay(c) || slices.Contains(c.People, access.Fold(who))
}

// anyoneMay says that the open step asks everybody.
func anyoneMay(c workflows.ConsentStatus) bool { return slices.Contains(c.From, access.Anyone) }

// deputyOf finds whose decision somebody would take, where the open step does not ask
// them themselves.
func deputyOf(c workflows.ConsentStatus, who string) (workflows.Deputy, bool) {
	if isNamed(c, who) {
		return workflows.Deputy{}, false
	}
	for _, d := range c.Delegates { // in the order in which the worker looks
		_, has := access.HasDecided(c.Decisions, d.By)
		if !has && access.Fold(d.To) == access.Fold(who) {
			return d, true
		}
	}
	return workflows.Deputy{}, false
}

// stillAsked are those whose word would count: who is named and has not decided, and
// whoever decides for such a one.
func stillAsked(people []string, deputies []workflows.Deputy, said []access.Decision) []string {
	hasDecided := func(who string) bool { _, has := access.HasDecided(said, who); return has }
	out := slices.DeleteFunc(slices.Clone(people), hasDecided)
	for _, d := range deputies {
		if !hasDecided(d.By) && !hasDecided(d.To) {
			out = append(out, fmt.Sprintf("%s for %s", strings.TrimSpace(d.To), strings.TrimSpace(d.By)))
		}
	}
	return out
}

// decidedAlready says who decided and when.
func decidedAlready(c workflows.ConsentStatus) string {
	if n := len(c.Decisions); n > 0 {
		last := c.Decisions[n-1]
		return fmt.Sprintf("it is decided already: %s, last by %s at %s",
			c.Verdict, last.Who(), describe.Second(last.At))
	}
	return fmt.Sprintf("it is decided already: %s at %s", c.Verdict, describe.Second(c.Until))
}

// waitsFor is "for 1 of 2 from leads until 2026-03-03 14:00:00 UTC".
func waitsFor(c workflows.ConsentStatus) string {
	return fmt.Sprintf("for %d of %d from %s until %s",
		c.Need-c.Given, c.Need, strings.Join(c.From, ", "), describe.Second(c.Until))
}

func stateAndWait(s workflows.RequestStatus) string {
	if s.Waiting == "" {
		return s.State
	}
	return s.State + ", " + s.Waiting
}
