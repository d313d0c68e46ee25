package access

import (
	"fmt"
	"slices"
)

// WithoutDeletedRoles is the step without the roles of those ids, which were deleted from
// the console: it rejects a list that names one. They leave the baseline and the leases
// too, with a sentence in Drift for each. If no role is left, the rule for the last role
// applies.
func (s Step) WithoutDeletedRoles(deleted []string, c Change) Step {
	isDeleted := func(h HeldRole) bool { return slices.Contains(deleted, h.RoleID) }
	s.Drift = slices.Clone(s.Drift)
	more := 0
	for _, h := range s.After.Held {
		switch {
		case !isDeleted(h):
		case len(s.Drift) >= MaxListed:
			more++
		default:
			s.Drift = append(s.Drift, fmt.Sprintf("role %s was deleted from the console: it is not restored at %s",
				h.RoleID, Scope{Level: s.After.Level, ID: h.ScopeID}))
		}
	}
	if more > 0 {
		s.Drift = append(s.Drift, fmt.Sprintf("%d more assignments of roles that were deleted are not restored", more))
	}
	s.Next.Baseline.Held = slices.DeleteFunc(slices.Clone(s.Next.Baseline.Held), isDeleted)
	s.loseLeases(func(l Lease) bool { return isDeleted(l.entry()) })
	s.After = s.Next.Desired()
	s.Loses = nil
	if s.applyLastRoleRule(c) && s.Refused() {
		s.After = s.Before
	}
	s.finish(c)
	return s
}
