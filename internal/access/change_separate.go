package access

import (
	"fmt"
	"slices"
)

// Separation names a role that one principal may not hold together with the granted one: a
// rule of the policy for separation of duties (SoD), worked out for one request.
type Separation struct {
	RoleID string `json:"roleId"`
	Name   string `json:"name,omitempty"`
	// Anywhere forbids the two roles at any scopes; else only at the same scope.
	Anywhere bool   `json:"anywhere,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// String is the rule in a sentence.
func (x Separation) String() string {
	where := "be held together at one scope"
	if x.Anywhere {
		where = "be held by one principal"
	}
	return fmt.Sprintf("separation of duties: role %q (%s) and the requested role must not %s: %s",
		x.Name, x.RoleID, where, x.Reason)
}

// checkSeparation refuses a grant that combines roles against separation of duties. It
// never refuses a change that removes access or restores the baseline.
func (s *Step) checkSeparation(c Change) {
	if s.Refused() || c.Op != OpGrant && c.Op != OpAcquire {
		return
	}
	for _, x := range c.Rules.Separate {
		if s.combines(c.Lease.Holding, x) {
			s.Conflicts = append(s.Conflicts, x)
		}
	}
	if len(s.Conflicts) > 0 {
		s.Outcome = RolesConflict
	}
}

// combines says whether the step makes the principal hold both roles, at once or when a
// lease ends. It is false if the principal holds both already.
func (s *Step) combines(given Holding, x Separation) bool {
	if x.RoleID == given.RoleID {
		return false
	}
	other := func(at string) func(HeldRole) bool {
		return func(h HeldRole) bool { return h.RoleID == x.RoleID && (x.Anywhere || h.ScopeID == at) }
	}
	for _, h := range s.Before.Held {
		same := s.Before.Level == given.Level && h.ScopeID == given.ScopeID
		if h.RoleID == given.RoleID && (x.Anywhere || same) && slices.ContainsFunc(s.Before.Held, other(h.ScopeID)) {
			return false
		}
	}
	return slices.ContainsFunc(s.heldBeside(given), other(given.ScopeID))
}

// heldBeside lists the roles that the principal holds together with the granted one, or may
// hold before that ends: when a later lease ends, an earlier one or the baseline applies
// again. Roles that the granted one itself replaces, and roles at another level, come back
// only after it has ended.
func (s *Step) heldBeside(given Holding) []HeldRole {
	out := slices.Clone(s.After.Held)
	add := func(level Level, h HeldRole) {
		if level == given.Level && h.ScopeID != given.ScopeID {
			out = append(out, h)
		}
	}
	for _, h := range s.Next.Baseline.Held {
		add(s.Next.Baseline.Level, h)
	}
	for _, l := range s.Next.Leases {
		if l.live() {
			add(l.Level, l.entry())
		}
	}
	return out
}
