package policy

import (
	"fmt"
	"maps"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// apart records which roles nobody may hold beside the one that is asked for, by id, so
// that it can be looked at again when the request is approved and applied. A role that
// the console does not have is left out, with a note.
func (d *deciding) apart(s separation, names map[string]string) {
	for _, role := range s.roles {
		if role == d.q.Role.ID || Fold(role) == Fold(d.q.Role.Name) {
			continue
		}
		ids := d.idsOf(role, names)
		if len(ids) == 0 && len(d.q.RoleNames) > 0 {
			d.answer.Notes = append(d.answer.Notes, fmt.Sprintf("separationOfDuties (line %d) names role %q, "+
				"which the console does not have: it is ignored", s.line, role))
		}
		for _, id := range ids {
			d.answer.Rules.Separate = append(d.answer.Rules.Separate, access.Separation{
				RoleID: id, Name: names[id], Anywhere: s.anywhere, Reason: s.reason,
			})
		}
	}
}

// idsOf are the roles of that name or id, other than the one that is asked for. Where
// the console's roles are not known, an id is taken as it stands.
func (d *deciding) idsOf(role string, names map[string]string) []string {
	var out []string
	if len(d.q.RoleNames) == 0 && isID(role) {
		return []string{role}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if id != d.q.Role.ID && (id == role || Fold(names[id]) == Fold(role)) {
			out = append(out, id)
		}
	}
	return out
}
