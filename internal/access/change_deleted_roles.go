package access

import (
	"fmt"
	"slices"
)

// WithoutDeletedRoles is the step with those roles left out of what it writes: roles that the
// console no longer has, which it refuses with the whole list. They are gone from the
// baseline too. If nothing would be left, the rule for the last role decides.
func (s Step) WithoutDeletedRoles(gone []string, c Change) Step {
	is := func(h HeldRole) bool { return slices.Contains(gone, h.RoleID) }
	s.Drift = slices.Clone(s.Drift)
	for _, h := range s.After.Held {
		if is(h) {
			s.Drift = append(s.Drift, fmt.Sprintf("role %s is no longer on the console: it is not given back at %s",
				h.RoleID, Scope{Level: s.After.Level, ID: h.ScopeID}))
		}
	}
	s.Next.Baseline.Held = slices.DeleteFunc(slices.Clone(s.Next.Baseline.Held), is)
	s.loseLeases(func(l Lease) bool { return is(l.entry()) })
	s.After = s.Next.Desired()
	s.Loses = nil
	if s.applyLastRoleRule(c) && s.Refused() {
		s.After = s.Before
	}
	s.finish(c)
	return s
}
