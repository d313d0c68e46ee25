package consoletest

import (
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// SetUserRoles replaces a user's roles as a manual edit, not through the API. Unlike the API it
// accepts an empty list.
func (c *Console) SetUserRoles(id string, level access.Level, held []access.HeldRole) error {
	return c.setRoles(access.User, id, level, held)
}

// SetServiceUserRoles replaces a service user's roles; see SetUserRoles.
func (c *Console) SetServiceUserRoles(id string, level access.Level, held []access.HeldRole) error {
	return c.setRoles(access.ServiceUser, id, level, held)
}

func (c *Console) setRoles(kind access.Kind, id string, level access.Level, held []access.HeldRole) error {
	return c.update(kind, id, func(p *access.Principal) error {
		p.Level, p.Held = level, held
		return nil
	})
}

// GiveRole gives a principal one role at a scope as a manual edit. It replaces another role at
// that scope; other roles stay. It is an error if the principal's roles are at another level.
func (c *Console) GiveRole(kind access.Kind, id string, level access.Level, h access.HeldRole) error {
	return c.update(kind, id, func(p *access.Principal) error {
		if p.Level != level && len(p.Held) > 0 {
			return fmt.Errorf("give a role at %s: %s %s holds roles at %s", level, kind, id, p.Level)
		}
		p.Level = level
		p.Held = slices.DeleteFunc(slices.Clone(p.Held), func(o access.HeldRole) bool { return o.ScopeID == h.ScopeID })
		p.Held = append(p.Held, h)
		return nil
	})
}

// TakeRole removes one role at a scope from a principal as a manual edit; it may be the last one.
// It is an error if the principal does not hold it.
func (c *Console) TakeRole(kind access.Kind, id string, level access.Level, h access.HeldRole) error {
	return c.update(kind, id, func(p *access.Principal) error {
		if !p.Holdings().Holds(access.Holding{Level: level, RoleID: h.RoleID, ScopeID: h.ScopeID}) {
			return fmt.Errorf("take role %s at %s %q: %s %s does not hold it", h.RoleID, level, h.ScopeID, kind, id)
		}
		p.Held = slices.DeleteFunc(slices.Clone(p.Held), func(o access.HeldRole) bool { return o == h })
		return nil
	})
}

// patchRoles applies GiveRole or TakeRole to each entry, and stops at the first error.
func patchRoles(
	change func(access.Kind, string, access.Level, access.HeldRole) error, kind access.Kind, e edit,
) ([]string, error) {
	if len(e.Held) == 0 {
		return nil, errors.New("held is empty: name the roles")
	}
	for _, h := range e.Held {
		if err := change(kind, e.ID, e.Level, h); err != nil {
			return nil, err
		}
	}
	return []string{e.ID}, nil
}
