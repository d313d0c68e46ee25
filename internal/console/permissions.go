package console

import (
	"net/http"
	"regexp"
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
	if under(path, activitiesPath) {
		return ActivityPermission
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
	if hint := scopeHint(e.Title + " " + e.Detail); hint != "" {
		return hint
	}
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

// The texts by which consoles say that a refusal is about the scope of the token's user, and not
// about a permission of its role (seen on consoles; the wording is not documented).
var (
	multiScope = regexp.MustCompile(`(?i)multi[- ]?scopes?\b`)
	scopeLevel = regexp.MustCompile(`(?i)user scope level is (tenant|account|site|group|global)|` +
		`tenant[- ]level permission|valid account id or site id|not a global user`)
)

// WrongScope says that the console refused a call because of the scope of the token's user: adding a
// permission to the role does not help.
func (e *Error) WrongScope() bool {
	return e.Status == http.StatusForbidden && !e.HTML && scopeHint(e.Title+" "+e.Detail) != ""
}

const oneScope = "create a service user with one role at one scope, the tenant or your account (Settings → Users → " +
	"Service Users → Actions → Create New Service User), and use its token; adding a permission does not help"

// scopeHint is what to do about a refusal because of scopes; "" for any other.
func scopeHint(text string) string {
	switch at := scopeLevel.FindStringSubmatch(text); {
	case multiScope.MatchString(text):
		return "the token's user holds roles at several scopes, which the console refuses here: " + oneScope
	case at == nil:
		return ""
	case at[1] != "":
		return "the token's user sits at the wrong scope (" + strings.ToLower(at[1]) + "): " + oneScope
	}
	return "the token's user sits at the wrong scope: " + oneScope
}
