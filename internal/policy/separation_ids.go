package policy

import (
	"fmt"
	"maps"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// recordExcludedRoles records, by id, the roles that exclude the requested one, so that
// they can be checked again when the request is approved and applied. A role that the
// console does not have is left out, with a note.
func (e *evaluation) recordExcludedRoles(s separation, names map[string]string) {
	for _, role := range s.roles {
		if role == e.in.Role.ID || access.Fold(role) == access.Fold(e.in.Role.Name) {
			continue
		}
		ids := e.idsOf(role, names)
		if len(ids) == 0 && len(e.in.RoleNames) > 0 {
			e.result.Notes = append(e.result.Notes, fmt.Sprintf("separationOfDuties (line %d) names role %q, "+
				"which the console does not have: it is ignored", s.line, role))
		}
		for _, id := range ids {
			e.result.Rules.Separate = append(e.result.Rules.Separate, access.Separation{
				RoleID: id, Name: names[id], Anywhere: s.anywhere, Reason: s.reason,
			})
		}
	}
}

// idsOf returns the ids of the roles with that name or id, except the requested one. If
// the console's roles are unknown, it returns an id unchanged.
func (e *evaluation) idsOf(role string, names map[string]string) []string {
	var out []string
	if len(e.in.RoleNames) == 0 && isID(role) {
		return []string{role}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if id != e.in.Role.ID && (id == role || access.Fold(names[id]) == access.Fold(role)) {
			out = append(out, id)
		}
	}
	return out
}
