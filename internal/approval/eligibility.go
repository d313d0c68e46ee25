package approval

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Eligibility says whether somebody may decide now, and why not.
type Eligibility struct {
	Eligible bool `json:"eligible"`
	// Refusal says why not; nil if Eligible.
	Refusal *Refusal `json:"refusal,omitempty"`
	// Delegation is by what they decide in the place of its By; nil for in their own name.
	Delegation *access.Delegation `json:"delegation,omitempty"`
	// EscalatedAt is when they became eligible by escalation; zero for otherwise.
	EscalatedAt time.Time `json:"escalatedAt,omitzero"`
}

// Eligibility judges whether a person may approve or deny (action) at that time. Those
// delegations count that are in force then; the caller has checked their signatures. A
// zero time leaves out what depends on it, the deadline and the end of delegations, where
// the answer of the clock at hand is not to be trusted.
func (s State) Eligibility(person, action string, at time.Time, delegations ...access.Delegation) Eligibility {
	d := access.Decision{By: person, Action: action, Step: s.Step}
	if r := s.checkMoment(d, at); r != nil {
		return Eligibility{Refusal: r}
	}
	if r := s.checkPerson(person); r != nil {
		return Eligibility{Refusal: r}
	}
	if ok, escalatedAt := s.eligible(person, action, at); ok {
		return Eligibility{Eligible: true, EscalatedAt: escalatedAt}
	}
	for _, delegator := range s.Delegators(action) {
		handed, found := delegationOf(delegations, delegator, person, at)
		if ok, escalatedAt := s.eligible(delegator, action, at); found && ok {
			return Eligibility{Eligible: true, EscalatedAt: escalatedAt, Delegation: &handed}
		}
	}
	d.At = at
	return Eligibility{Refusal: s.checkOne(person, d)}
}

// Delegates are the delegations by which somebody may decide on the open step now who may
// not in their own name, in the order in which [State.Eligibility] looks for them.
func (s State) Delegates(delegations []access.Delegation, at time.Time) []access.Delegation {
	var out []access.Delegation
	step, ok := s.OpenStep()
	if !ok || step.Anyone {
		return nil
	}
	for _, delegator := range s.Delegators(Approve) {
		for _, d := range delegations {
			own, _ := s.eligible(d.To, Approve, at)
			if access.Fold(d.By) == delegator && inForce(d, at) && !own && s.checkPerson(d.To) == nil {
				out = append(out, d)
			}
		}
	}
	return slices.Clip(out)
}
