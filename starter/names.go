package main

import (
	"cmp"
	"fmt"

	"sentinelone-provisioner/internal/store"
)

// names tells things of one name apart: roles repeat across scopes, sites across
// accounts, and nothing keeps two service users from sharing a name. A name that
// stands for several ids is shown with the id.
type names map[string]map[string]bool // ids by column and name

func newNames(rows []store.AccessRow) names {
	n := names{}
	for _, r := range rows {
		n.note("principal", principalName(r), r.ID)
		n.note("role", r.RoleName, r.RoleID)
		n.note("scope", r.ScopeName, r.ScopeID)
	}
	return n
}

// line is what two tables share: who, of which kind, which role, where.
func (n names) line(r store.AccessRow) []string {
	return []string{
		n.show("principal", principalName(r), r.ID),
		string(r.Kind),
		n.show("role", r.RoleName, r.RoleID),
		string(r.Level),
		n.show("scope", r.ScopeName, r.ScopeID),
	}
}

func (n names) note(column, name, id string) {
	key := column + "\x00" + name
	if n[key] == nil {
		n[key] = map[string]bool{}
	}
	n[key][id] = true
}

func (n names) show(column, name, id string) string {
	if name == "" {
		return id
	}
	if len(n[column+"\x00"+name]) > 1 {
		return fmt.Sprintf("%s (%s)", name, id)
	}
	return name
}

func principalName(r store.AccessRow) string { return cmp.Or(r.Email, r.Name) }
