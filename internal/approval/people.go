package approval

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// People are those whose decision it is, by [access.Fold]: who decided, and for whom.
// None of them decides again on the same plan.
func People(d access.Decision) []string {
	out := []string{access.Fold(d.By)}
	if other := access.Fold(d.OnBehalfOf); other != "" && other != out[0] {
		out = append(out, other)
	}
	return out
}

// HasDecided finds the decision of a person, or in their place, in the order given.
func HasDecided(decisions []access.Decision, person string) (access.Decision, bool) {
	i := slices.IndexFunc(decisions, func(d access.Decision) bool {
		return slices.Contains(People(d), access.Fold(person))
	})
	if i < 0 {
		return access.Decision{}, false
	}
	return decisions[i], true
}

// isRequester and isRecipient say of two people that they never decide.
func (s State) isRequester(person string) bool {
	return access.Fold(person) == access.Fold(s.Request.Requester)
}

func (s State) isRecipient(person string) bool {
	return s.Request.Recipient.Is(person)
}

// barred says that a person never decides on this request.
func (s State) barred(person string) bool {
	return s.isRequester(person) || s.isRecipient(person) || s.isAsker(person)
}

// stepsFor are the steps that a decision may be about: an approval is about the open one,
// a denial about any that is left.
func (s State) stepsFor(action string) []int {
	last := len(s.Steps)
	if action != Deny {
		last = min(s.Step+1, last)
	}
	var out []int
	for i := s.Step; i < last; i++ {
		out = append(out, i)
	}
	return out
}

// people are those named for a step by now, by [access.Fold], without those who never
// decide.
func (s State) people(step int) []string {
	out := []string{}
	add := func(people []string) {
		for _, p := range people {
			if p = access.Fold(p); p != "" && !s.barred(p) && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	add(s.Steps[step].People)
	if !s.EscalatedAt.IsZero() && !s.Steps[step].Anyone() {
		add(s.EscalateTo)
	}
	return out
}

// named says that a step asks for a person without an escalation.
func (s State) named(step int, person string) bool {
	return s.Steps[step].Anyone() || slices.ContainsFunc(s.Steps[step].People, func(p string) bool {
		return access.Fold(p) == access.Fold(person)
	})
}

// escalatesTo says that a person is among those the policy escalates to.
func (s State) escalatesTo(person string) bool {
	return slices.ContainsFunc(s.EscalateTo, func(p string) bool { return access.Fold(p) == access.Fold(person) })
}

// eligible says whether a person may decide at that time, and since when if that is only
// because it was escalated to them.
func (s State) eligible(person, action string, at time.Time) (ok bool, escalatedAt time.Time) {
	if access.Fold(person) == "" || s.barred(person) {
		return false, time.Time{}
	}
	steps := s.stepsFor(action)
	if slices.ContainsFunc(steps, func(i int) bool { return s.named(i, person) }) {
		return true, time.Time{}
	}
	escalated := !s.EscalatedAt.IsZero() && (at.IsZero() || !at.Before(s.EscalatedAt))
	if len(steps) == 0 || !escalated || !s.escalatesTo(person) {
		return false, time.Time{}
	}
	return true, s.EscalatedAt
}

// Undecided are the people of the open step who have not decided; nil where everybody is
// eligible.
func (s State) Undecided() []string {
	step, ok := s.OpenStep()
	if !ok || step.Anyone {
		return nil
	}
	return slices.DeleteFunc(step.People, s.decided)
}

func (s State) decided(person string) bool {
	_, has := HasDecided(s.Decisions, person)
	return has
}

// Delegators are those in whose place a decision may be taken, by [access.Fold], in the
// order in which their delegations are looked for: they are named for a step that the
// decision may be about, and have not decided.
func (s State) Delegators(action string) []string {
	var out []string
	for _, i := range s.stepsFor(action) {
		for _, p := range s.people(i) {
			if !s.decided(p) && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}
