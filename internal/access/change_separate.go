package access

import (
	"fmt"
	"slices"
)

// Separation is a role that nobody may hold beside the one that is given: a rule of the
// policy, worked out for one request.
type Separation struct {
	RoleID string `json:"roleId"`
	Name   string `json:"name,omitempty"`
	// Anywhere says that it does not matter where the two are held; else it is at the
	// same scope.
	Anywhere bool   `json:"anywhere,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// String is the rule in a sentence.
func (x Separation) String() string {
	where := "be held together at one scope"
	if x.Anywhere {
		where = "be held by one principal"
	}
	return fmt.Sprintf("separation of duties: role %q (%s) and the role asked for must not %s: %s",
		x.Name, x.RoleID, where, x.Reason)
}

// checkSeparation refuses to give a role beside one that must not be held with it. What takes
// access away, or gives back what was there before, is never refused for that.
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

// combines says whether the step makes the principal hold the role that is given
// and the other, now or once a lease ends, where the console does not show both already.
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

// heldBeside lists what is held beside the role that is given, or may come to be held while
// it is: a lease or the baseline may stand behind a later lease, and be back when that
// ends. What stands behind the given role itself is back only when that is gone, and
// what is of another level only when the principal is back at that one.
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
		if !l.Lost {
			add(l.Level, l.entry())
		}
	}
	return out
}
