package access

import (
	"fmt"
	"slices"
	"strings"
)

// MaxScopes is how many scopes one request may name.
const MaxScopes = 50

// ScopeOutcome is the outcome of a change at one of its scopes.
type ScopeOutcome struct {
	ScopeID string  `json:"scopeId"`
	Outcome Outcome `json:"outcome"`
}

// Leases lists the leases of the change: that of its first scope, and of all others.
func (c Change) Leases() []Lease { return append([]Lease{c.Lease}, c.Also...) }

// furtherScope stands between the id of the first lease of a request and the number of a further
// one. It comes after the run id, in which it does not occur.
const furtherScope = "+"

// First is the id of the first lease of the request that the lease is of: its own, unless the
// request names several scopes.
func (l Lease) First() string {
	run := strings.LastIndexByte(l.ID, '#') + 1
	if at := strings.LastIndex(l.ID[run:], furtherScope); run > 0 && at > 0 {
		return l.ID[:run+at]
	}
	return l.ID
}

// WithLeases is the change of those leases; there is at least one.
func (c Change) WithLeases(all []Lease) Change {
	c.Lease, c.Also = all[0], slices.Clone(all[1:])
	return c
}

// Names says whether a lease of that id is one of the change's.
func (c Change) Names(lease string) bool {
	return slices.ContainsFunc(c.Leases(), func(l Lease) bool { return l.ID == lease })
}

// Absent lists the roles that the change has removed, by its outcomes: all of a change with one
// scope, and those of the others that no lease or hand edit keeps.
func (c Change) Absent(outcomes []ScopeOutcome) []Holding {
	var out []Holding
	for _, h := range c.Holdings() {
		kept := slices.ContainsFunc(outcomes, func(s ScopeOutcome) bool {
			return s.ScopeID == h.ScopeID && (s.Outcome == StillHeld || s.Outcome == Superseded)
		})
		if !kept {
			out = append(out, h)
		}
	}
	return out
}

// WithScopes is the change for all scopes of a plan: a lease for each, with an id of its own that
// follows from the first one's. The terms of the first lease are those of all.
func (c Change) WithScopes(p Plan) Change {
	c.Also = nil
	for i, h := range p.Holdings()[1:] {
		l := c.Lease
		l.ID, l.Holding = fmt.Sprintf("%s%s%d", c.Lease.ID, furtherScope, i+2), h
		c.Also = append(c.Also, l)
	}
	return c
}

// Holdings lists the roles that the change names, one for each scope.
func (c Change) Holdings() []Holding {
	var out []Holding
	for _, l := range c.Leases() {
		out = append(out, l.Holding)
	}
	return out
}

// applyEach works out a change at each of its scopes, one after the other, as one step: there is
// one write. It is refused as a whole if a rule forbids it at one scope.
func (t OwnershipState) applyEach(c Change, actual Holdings) Step {
	out := Step{}
	state, shown := t, actual
	for i, l := range c.Leases() {
		one := c
		one.Lease, one.Also = l, nil
		s := state.Apply(one, shown)
		if i == 0 {
			out = Step{Before: s.Before, Drift: s.Drift, absorbed: s.absorbed}
		}
		if s.Refused() {
			out.Outcome, out.LastRole, out.Conflicts = s.Outcome, s.LastRole, s.Conflicts
			out.After, out.Next = out.Before, *out.absorbed
			return out
		}
		out.Scopes = append(out.Scopes, ScopeOutcome{ScopeID: l.ScopeID, Outcome: s.Outcome})
		out.After, out.Next, out.Delete = s.After, s.Next, s.Delete
		if s.LastRole != "" {
			out.LastRole = s.LastRole
		}
		state, shown = s.Next, s.After
		if s.Delete { // with the last role: nothing is left to change
			shown = Holdings{}
		}
	}
	out.Outcome = sumOf(out.Scopes)
	out.finish(c)
	return out
}

// sumOf is the outcome of several scopes: what has been done at any of them, else what was found.
func sumOf(scopes []ScopeOutcome) Outcome {
	for _, first := range []Outcome{
		Deleted, Applied, Released, Removed, StillHeld, AlreadyHeld, Superseded, AlreadyAbsent,
	} {
		if slices.ContainsFunc(scopes, func(s ScopeOutcome) bool { return s.Outcome == first }) {
			return first
		}
	}
	return NotApplied
}

// WithOutcome is the step with one outcome, at all of its scopes.
func (s Step) WithOutcome(o Outcome) Step {
	s.Outcome, s.Scopes = o, slices.Clone(s.Scopes)
	for i := range s.Scopes {
		s.Scopes[i].Outcome = o
	}
	return s
}

// Replace is the step with one outcome in place of another, at each of its scopes too.
func (s Step) Replace(from, to Outcome) Step {
	if s.Outcome == from {
		s.Outcome = to
	}
	s.Scopes = slices.Clone(s.Scopes)
	for i, at := range s.Scopes {
		if at.Outcome == from {
			s.Scopes[i].Outcome = to
		}
	}
	return s
}

// Holdings lists the roles that the request names: one, or one for each of its scopes.
func (p Plan) Holdings() []Holding {
	if len(p.Scopes) == 0 {
		return []Holding{p.Holding()}
	}
	out := make([]Holding, len(p.Scopes))
	for i, s := range p.Scopes {
		out[i] = Holding{Level: s.Level, RoleID: p.Role.ID, ScopeID: s.ID}
	}
	return out
}

// AllScopes lists the scopes that the request names.
func (p Plan) AllScopes() []ScopeRef {
	if len(p.Scopes) == 0 {
		return []ScopeRef{p.Scope}
	}
	return p.Scopes
}

// AdoptLeases adopts each lease of a change, as [OwnershipState.AdoptLease] does one.
func (t OwnershipState) AdoptLeases(c Change, before Holdings) OwnershipState {
	for _, l := range slices.Backward(c.Leases()) {
		t = t.AdoptLease(l, before)
	}
	return t
}
