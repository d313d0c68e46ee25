package activities

import (
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// pickRole finds the one role of that id or name. Of several with one name those that
// can be granted at the scope count; a revoke may name any role.
func pickRole(all []access.Role, s access.RoleSelector, at place, op access.Op) (access.Role, error) {
	found := access.Named(all, s.Name, func(r access.Role) []string { return []string{r.Name} })
	if s.ID != "" {
		found = slices.DeleteFunc(slices.Clone(all), func(r access.Role) bool { return r.ID != s.ID })
	}
	usable := slices.DeleteFunc(slices.Clone(found), func(r access.Role) bool {
		return !r.UsableAt(access.Scope{Level: at.Level, ID: at.ID}, at.accountID)
	})
	switch {
	case len(found) == 1:
		return found[0], nil // if it is not usable, the plan says so
	case len(usable) == 1:
		return usable[0], nil
	case len(usable) > 1:
		return access.Role{}, &access.NoMatchError{What: s.String(), Matches: listTexts(usable, roleText)}
	case len(found) > 1 && op == access.OpRevoke:
		return access.Role{}, &access.NoMatchError{What: s.String(), Matches: listTexts(found, roleText)}
	case len(found) > 1:
		return access.Role{}, &access.NoMatchError{
			What: s.String(), Matches: listTexts(found, roleText),
			Hint: "none of them can be granted at " + scopeText(at.ScopeRef),
		}
	}
	similar := slices.DeleteFunc(slices.Clone(all), func(r access.Role) bool { return !isSimilar(r.Name, s.Name) })
	return access.Role{}, &access.NoMatchError{What: s.String(), Similar: listTexts(similar, roleText)}
}

func roleText(r access.Role) string {
	if r.Predefined || r.Scope == access.Tenant {
		return fmt.Sprintf("%s (%s)", access.Quoted(r.Name), r.ID)
	}
	return fmt.Sprintf("%s of %s (%s)", access.Quoted(r.Name), access.Scope{Level: r.Scope, ID: r.ScopeID}, r.ID)
}
