package access

import (
	"cmp"
	"slices"
)

// NormalizeHeld sorts by scope and role and drops exact repeats, so that two
// lists which mean the same compare equal. It works in place.
func NormalizeHeld(held []HeldRole) []HeldRole {
	slices.SortFunc(held, func(a, b HeldRole) int {
		return cmp.Or(cmp.Compare(a.ScopeID, b.ScopeID), cmp.Compare(a.RoleID, b.RoleID))
	})
	return slices.Compact(held)
}
