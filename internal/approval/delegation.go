package approval

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// inForce says whether a delegation holds at that time; a zero time is always within.
func inForce(d access.Delegation, at time.Time) bool { return at.IsZero() || d.InForce(at) }

// delegationOf finds the newest delegation from one person to another that is in force.
func delegationOf(all []access.Delegation, by, to string, at time.Time) (found access.Delegation, ok bool) {
	for _, d := range all {
		if access.Fold(d.By) != access.Fold(by) || access.Fold(d.To) != access.Fold(to) || !inForce(d, at) {
			continue
		}
		if !ok || d.At.After(found.At) {
			found, ok = d, true
		}
	}
	return found, ok
}

// FindDelegation finds by which delegation somebody decides in the place of one of the
// delegators, who are tried in the order given (see [State.Delegators]). Delegations do
// not chain: only delegators are looked at, and they are eligible themselves.
//
// The function holds says why a delegation does not count, as when its key was revoked;
// its second result is an error if that cannot be said, which ends the search. Doubts
// lists what was found and does not count.
func FindDelegation(
	all []access.Delegation, delegators []string, to string, at time.Time,
	holds func(access.Delegation) (why, err error),
) (found *access.Delegation, doubts []string, err error) {
	for _, delegator := range delegators {
		d, ok := delegationOf(all, delegator, to, at)
		if !ok {
			continue
		}
		why, err := holds(d)
		if err != nil {
			return nil, doubts, fmt.Errorf("the delegation of %s cannot be checked: %w", delegator, err)
		}
		if why == nil {
			return &d, doubts, nil
		}
		doubts = append(doubts, fmt.Sprintf("the delegation of %s does not count: %v", d.By, why))
	}
	return nil, doubts, nil
}

// checkDelegation says why the delegation in a decision is not what it needs.
func (s State) checkDelegation(d access.Decision) *Refusal {
	if d.Delegation == nil {
		return badDelegation(d, "the delegation is missing from the record")
	}
	if why := Unfit(*d.Delegation, d, s.Request.Console); why != "" {
		return badDelegation(d, "%s", why)
	}
	return nil
}

// Unfit says why a delegation is not one by which the decision could be taken on that
// console; "" if it is.
func Unfit(g access.Delegation, d access.Decision, console string) string {
	switch {
	case access.Fold(g.By) != access.Fold(d.OnBehalfOf) || access.Fold(g.To) != access.Fold(d.By):
		return fmt.Sprintf("the record holds another delegation, from %s to %s", g.By, g.To)
	case g.Console != console:
		return "the delegation is for another console: " + g.Console
	case g.Duration != 0 && !g.Until.Equal(g.At.Add(time.Duration(g.Duration))):
		return fmt.Sprintf("the delegation is for %s, which does not end at %s", g.Duration, stamp(g.Until))
	case !g.InForce(d.At):
		return fmt.Sprintf("the delegation held from %s to %s only", stamp(g.At), stamp(g.Until))
	}
	return ""
}
