package consoletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// readRoles reads scope and scopeRoles, and returns what is wrong with them. It rejects input
// whose effect the vendor does not document: an empty or absent list, a scope given twice.
func (c *Console) readRoles(fields map[string]json.RawMessage) (level access.Level, list []held, problem string) {
	raw, ok := fields["scope"]
	if !ok {
		return "", nil, "scope: " + missing
	}
	if json.Unmarshal(raw, &level) != nil || !slices.Contains(assignable, level) {
		return "", nil, "scope: Must be one of: tenant, account, site."
	}
	var entries []map[string]json.RawMessage
	if raw, ok := fields["scopeRoles"]; ok && json.Unmarshal(raw, &entries) != nil {
		return "", nil, "scopeRoles: Invalid input type."
	}
	if len(entries) == 0 {
		return "", nil, "scopeRoles: Shorter than minimum length 1."
	}
	for i, e := range entries {
		h, problem := c.readRole(level, e)
		if problem == "" && scopeTaken(list, h.scope) {
			problem = "Duplicate scope."
		}
		if problem != "" {
			return "", nil, fmt.Sprintf("scopeRoles: %d: %s", i, problem)
		}
		list = append(list, h)
	}
	return level, list, ""
}

// assignable are the levels at which a principal can have roles; group is not one of them.
var assignable = []access.Level{access.Tenant, access.AccountLevel, access.SiteLevel}

// readRole reads one entry and returns what is wrong with it, "" if it is valid. An id of a scope
// at another level does not exist at this level.
func (c *Console) readRole(level access.Level, e map[string]json.RawMessage) (h held, problem string) {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !slices.Contains([]string{"id", "roleId", "roleName", "roles"}, name) {
			return held{}, name + ": Unknown field"
		}
	}
	scopeID, hasScope := idOf(e["id"])
	switch {
	case level == access.Tenant && e["id"] != nil:
		return held{}, "id: Must not be given for scope tenant."
	case level != access.Tenant && !hasScope:
		return held{}, "id: " + missing
	case level != access.Tenant && c.scope(level, scopeID) == nil:
		return held{}, "id: No such " + string(level) + "."
	}
	roleID, ok := idOf(e["roleId"])
	if !ok {
		return held{}, "roleId: " + missing
	}
	switch r := c.roles.get(roleID); {
	case r == nil:
		return held{}, "roleId: No such role."
	case !c.existsAt(r.entity.(*role), level, scopeID):
		return held{}, "roleId: No such role in this scope."
	}
	return held{role: roleID, scope: scopeID}, ""
}

// existsAt reports whether a role may be held at a scope: a predefined or tenant role anywhere,
// any other at its own scope and below. That a console rejects others is inferred from what
// its web pages offer.
func (c *Console) existsAt(r *role, level access.Level, scopeID int64) bool {
	switch {
	case r.predefined || r.scope == access.Tenant:
		return true
	case r.scope == access.GroupLevel: // no principal has roles at a group
		return false
	case r.scope == level:
		return r.scopeID == scopeID
	}
	return r.scope == access.AccountLevel && level == access.SiteLevel && r.scopeID == c.accountOfSite(scopeID)
}

// idOf reads an id that is text, as the vendor types it.
func idOf(raw json.RawMessage) (int64, bool) {
	var s string
	if raw == nil || json.Unmarshal(raw, &s) != nil {
		return 0, false
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil
}
