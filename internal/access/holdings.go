package access

import (
	"cmp"
	"slices"
)

// Holdings is the access of a principal: all its roles, which are at one level. A console
// shows one role per scope; if it shows several, all are kept.
//
// Its JSON lists at most [MaxListed] roles. Of more it has their number and digest: it is brief,
// see [Holdings.IsBrief].
type Holdings struct {
	Level Level      `json:"level"`
	Held  []HeldRole `json:"held"`
	// Count and Digest stand for a list that was left out; 0 and "" where Held has the roles.
	Count  int    `json:"count,omitempty"`
	Digest string `json:"digest,omitempty"` // see [Holdings.ListDigest]

	// listed has the JSON list all roles, as the JSON did from which it was read: versions up to
	// 0.5.0 wrote lists of any length, and hashed them.
	listed bool
}

// Holdings is the access of the principal, sorted and without repeats, in a list of its
// own.
func (p Principal) Holdings() Holdings {
	return Holdings{Level: p.Level, Held: p.Held}.Normal()
}

// Normal is the same access with its roles sorted and without repeats, in a list of its
// own that is never nil. A list that was left out stays so.
func (r Holdings) Normal() Holdings {
	if r.IsBrief() {
		return r
	}
	held := slices.Clone(r.Held)
	if held == nil {
		held = []HeldRole{}
	}
	return Holdings{Level: r.Level, Held: NormalizeHeld(held)}
}

// Equal compares without regard to order and repeats. Two empty lists are equal at any
// level.
func (r Holdings) Equal(o Holdings) bool {
	if r.IsBrief() || o.IsBrief() {
		return r.Len() == o.Len() && r.ListDigest() == o.ListDigest()
	}
	a, b := r.Normal(), o.Normal()
	return slices.Equal(a.Held, b.Held) && (a.Level == b.Level || len(a.Held) == 0)
}

// Holding is one role at one scope.
type Holding struct {
	Level   Level  `json:"level"`
	RoleID  string `json:"roleId"`
	ScopeID string `json:"scopeId"` // "" at tenant level
}

// Scope is the place where the role applies.
func (h Holding) Scope() Scope { return Scope{Level: h.Level, ID: h.ScopeID} }

// String is "role 2 at site 1535334414585508710".
func (h Holding) String() string { return "role " + h.RoleID + " at " + h.Scope().String() }

func (h Holding) entry() HeldRole { return HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID} }

// Scope is a place in a console's tree.
type Scope struct {
	Level Level  `json:"level"`
	ID    string `json:"id,omitempty"` // "" for the tenant
}

// String is "site 1535334414585508710", or "the tenant".
func (s Scope) String() string {
	if s.Level == Tenant {
		return "the tenant"
	}
	return string(s.Level) + " " + s.ID
}

// Holds says whether the principal holds that role at exactly that scope.
func (r Holdings) Holds(h Holding) bool {
	return r.Level == h.Level && slices.Contains(r.Held, h.entry())
}

// at lists the roles at one scope, sorted; none if the principal is at another level.
func (r Holdings) at(s Scope) []HeldRole {
	if r.Level != s.Level {
		return nil
	}
	var out []HeldRole
	for _, h := range r.Held {
		if h.ScopeID == s.ID {
			out = append(out, h)
		}
	}
	return NormalizeHeld(out)
}

// byScope lists the roles at each scope, sorted.
func (r Holdings) byScope() map[Scope][]HeldRole {
	out := make(map[Scope][]HeldRole, len(r.Held))
	for _, h := range r.Normal().Held {
		s := Scope{Level: r.Level, ID: h.ScopeID}
		out[s] = append(out[s], h)
	}
	return out
}

// roles is the set of the roles held.
func (r Holdings) roles() map[Holding]bool {
	out := make(map[Holding]bool, len(r.Held))
	for _, h := range r.Held {
		out[Holding{Level: r.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}] = true
	}
	return out
}

// with replaces the roles at the scope by the entries. A scope of another level replaces
// all roles.
func (r Holdings) with(s Scope, entries ...HeldRole) Holdings {
	next := Holdings{Level: s.Level}
	if r.Level == s.Level {
		next.Held = slices.DeleteFunc(slices.Clone(r.Held), func(h HeldRole) bool { return h.ScopeID == s.ID })
	}
	next.Held = append(next.Held, entries...)
	return next.Normal()
}

// without removes one role.
func (r Holdings) without(h Holding) Holdings {
	if !r.Holds(h) {
		return r.Normal()
	}
	left := slices.DeleteFunc(slices.Clone(r.Held), func(x HeldRole) bool { return x == h.entry() })
	return Holdings{Level: r.Level, Held: left}.Normal()
}

// scopes lists the scopes at which a or b has a role.
func scopes(a, b Holdings) []Scope {
	var out []Scope
	seen := map[Scope]bool{}
	for _, r := range []Holdings{a, b} {
		for _, h := range r.Held {
			if s := (Scope{Level: r.Level, ID: h.ScopeID}); !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// NormalizeHeld sorts by scope and role and drops exact repeats, so that equal access makes
// equal lists. It works in place.
func NormalizeHeld(held []HeldRole) []HeldRole {
	slices.SortFunc(held, func(a, b HeldRole) int {
		return cmp.Or(cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleID, b.RoleID))
	})
	return slices.Compact(held)
}
