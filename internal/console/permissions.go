package console

import (
	"net/http"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// permissions holds, for each collection, its path and the permission that the
// token's role needs to list it (verified: the vendor's API description of 2026).
var permissions = map[access.Collection]struct{ path, permission string }{
	access.Accounts:     {"/accounts", "Accounts.view"},
	access.Sites:        {"/sites", "Sites.view"},
	access.Roles:        {"/rbac/roles", "Roles.view"},
	access.Users:        {usersPath, "Users.view"},
	access.ServiceUsers: {serviceUsersPath, "Service Users.view"},
}

// Permission returns the permission that the token's role needs to list the collection, named
// as in the console; "" for an unknown collection.
func Permission(of access.Collection) string { return permissions[of].permission }

// permission returns the permission that the token's role needs for a call, "" if it is unknown
// (verified: the vendor's API description of 2026).
func permission(method, path string) string {
	if method == http.MethodGet {
		return viewPermission(path)
	}
	var group string
	switch {
	case path == tokenDetailsPath: // needs none
		return ""
	case under(path, usersPath):
		group = "Users."
	case under(path, serviceUsersPath):
		group = "Service Users."
	default:
		return ""
	}
	switch {
	case method == http.MethodPost && strings.Count(path, "/") == 1:
		return group + "create"
	case method == http.MethodDelete:
		return group + "delete"
	}
	return group + "edit" // a new token is an edit too
}

func viewPermission(path string) string {
	if path == ownUserPath {
		return Permission(access.Users)
	}
	for _, p := range permissions {
		if under(path, p.path) {
			return p.permission
		}
	}
	return ""
}

// under compares whole segments: /users is not under /user.
func under(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func (e *Error) forbiddenHint() string {
	lacks := permission(e.Method, e.Path)
	if lacks == "" {
		return "the token's role lacks a permission; the console does not say which"
	}
	hint := "the token's role lacks " + lacks + " at this scope; add it to the role in the console"
	if e.Method == http.MethodPut || e.Method == http.MethodDelete {
		hint += " (the console may also protect this principal: a system user, or roles managed elsewhere)"
	}
	return hint
}
