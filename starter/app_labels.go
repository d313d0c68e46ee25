package main

import (
	"cmp"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

// noteAccess notes what a row names, to tell apart the principals, roles and scopes of a table.
func noteAccess(l *describe.Labels, r store.AccessRow) {
	l.Add("principal", principalName(r), r.ID)
	l.Add("role", r.RoleName, r.RoleID)
	l.Add("scope", r.ScopeName, r.ScopeID)
}

// accessCells are the columns that two tables share: principal, kind, role, level, scope.
func accessCells(l *describe.Labels, r store.AccessRow) []string {
	return []string{
		l.Label("principal", principalName(r), r.ID),
		string(r.Kind),
		l.Label("role", r.RoleName, r.RoleID),
		string(r.Level),
		l.Label("scope", r.ScopeName, r.ScopeID),
	}
}

func principalName(r store.AccessRow) string { return cmp.Or(r.Email, r.Name) }
