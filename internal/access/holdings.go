package access

import (
	"encoding/json"
	"slices"
)

// Holdings is everything a principal holds: entries of one level. A console lists one
// role per scope; where it lists several, they are read as they are.
type Holdings struct {
	Level Level      `json:"level"`
	Held  []HeldRole `json:"held"`
}

// MarshalJSON writes a list also where there is none: programs read it without asking.
func (r Holdings) MarshalJSON() ([]byte, error) {
	type plain Holdings
	if r.Held == nil {
		r.Held = []HeldRole{}
	}
	return json.Marshal(plain(r))
}

// Holdings is what the principal holds, sorted and without repeats. It shares nothing
// with the principal.
func (p Principal) Holdings() Holdings {
	return Holdings{Level: p.Level, Held: p.Held}.Normal()
}

// Normal is the same roles sorted and without repeats, in a list of its own that is
// never nil: two that mean the same are equal then.
func (r Holdings) Normal() Holdings {
	held := slices.Clone(r.Held)
	if held == nil {
		held = []HeldRole{}
	}
	return Holdings{Level: r.Level, Held: NormalizeHeld(held)}
}

// Equal says whether both mean the same. Without entries the level says nothing.
func (r Holdings) Equal(o Holdings) bool {
	a, b := r.Normal(), o.Normal()
	return slices.Equal(a.Held, b.Held) && (a.Level == b.Level || len(a.Held) == 0)
}

// Holding is one role at one scope.
type Holding struct {
	Level   Level  `json:"level"`
	RoleID  string `json:"roleId"`
	ScopeID string `json:"scopeId"` // "" at tenant level
}

// Scope is where the role is held.
func (h Holding) Scope() Scope { return Scope{Level: h.Level, ID: h.ScopeID} }

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

// Holds says whether exactly that role is held at exactly that scope.
func (r Holdings) Holds(h Holding) bool {
	return r.Level == h.Level && slices.Contains(r.Held, h.entry())
}

// at lists the entries of one scope; none at another level.
func (r Holdings) at(s Scope) []HeldRole {
	var out []HeldRole
	for _, h := range r.Normal().Held {
		if r.Level == s.Level && h.ScopeID == s.ID {
			out = append(out, h)
		}
	}
	return out
}

// with replaces everything at the scope by the entries. At another level it
// replaces all there is.
func (r Holdings) with(s Scope, entries ...HeldRole) Holdings {
	next := Holdings{Level: s.Level}
	if r.Level == s.Level {
		next.Held = slices.DeleteFunc(slices.Clone(r.Held), func(h HeldRole) bool { return h.ScopeID == s.ID })
	}
	next.Held = append(next.Held, entries...)
	return next.Normal()
}

// without takes one role away.
func (r Holdings) without(h Holding) Holdings {
	if !r.Holds(h) {
		return r.Normal()
	}
	left := slices.DeleteFunc(slices.Clone(r.Held), func(x HeldRole) bool { return x == h.entry() })
	return Holdings{Level: r.Level, Held: left}.Normal()
}

// scopes lists the scopes at which either holds something.
func scopes(a, b Holdings) []Scope {
	var out []Scope
	for _, r := range []Holdings{a, b} {
		for _, h := range r.Held {
			if s := (Scope{Level: r.Level, ID: h.ScopeID}); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}
