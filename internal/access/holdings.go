package access

import "slices"

// Holdings is everything a principal holds: entries of one level. A console lists one
// role per scope; where it lists several, they are read as they are.
type Holdings struct {
	Level Level  `json:"level"`
	Held  []Held `json:"held"`
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
		held = []Held{}
	}
	return Holdings{Level: r.Level, Held: NormalizeHeld(held)}
}

// Equal says whether both mean the same. Without entries the level says nothing.
func (r Holdings) Equal(o Holdings) bool {
	a, b := r.Normal(), o.Normal()
	return slices.Equal(a.Held, b.Held) && (a.Level == b.Level || len(a.Held) == 0)
}

// Has says whether the role is held at exactly that scope.
func (r Holdings) Has(level Level, h Held) bool { return r.Level == level && slices.Contains(r.Held, h) }

// At lists the roles held at one scope of the level; "" is the tenant's.
func (r Holdings) At(level Level, scopeID string) []string {
	var out []string
	if r.Level != level {
		return nil
	}
	for _, h := range r.Normal().Held {
		if h.ScopeID == scopeID {
			out = append(out, h.RoleID)
		}
	}
	return out
}
