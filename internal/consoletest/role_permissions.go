package consoletest

import (
	"slices"
	"strings"
)

// rolePages are the pages of the role editor with their permissions: a small part of those that consoles have.
var rolePages = []struct {
	name        string
	permissions []string
}{
	{"Accounts", []string{"view", "edit"}},
	{"Sites", []string{"view", "create", "edit", "delete"}},
	{"Roles", []string{"view", "create", "edit", "delete"}},
	{"Users", []string{"view", "create", "edit", "delete"}},
	{"Service Users", []string{"view", "create", "edit", "delete"}},
	{"Activity Page", []string{"view"}},
	{"Endpoints", []string{"view", "remoteShell"}},
}

type roleDetail struct {
	roleView

	Pages []rolePage `json:"pages"`
}

type rolePage struct {
	Identifier  string           `json:"identifier"`
	Name        string           `json:"name"`
	Permissions []rolePermission `json:"permissions"`
}

type rolePermission struct {
	DependsOn   []string `json:"dependsOn"`
	Description string   `json:"description"`
	Identifier  string   `json:"identifier"`
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Value       bool     `json:"value"`
}

// getRole responds with a role and its permissions. That titles are as in the vendor's lists of required permissions,
// such as "view" on page "Users", is inferred.
//
//s1:operation GET /web/api/v2.1/rbac/role/{role_id}
func (c *Console) getRole(call *call) answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := find[role](&c.roles, call.id())
	if r == nil {
		return notFound()
	}
	out := roleDetail{roleView: c.roleView(r)}
	for _, page := range rolePages {
		shown := rolePage{Identifier: strings.ToLower(strings.ReplaceAll(page.name, " ", "_")), Name: page.name}
		for _, title := range page.permissions {
			name := page.name + "." + title
			shown.Permissions = append(shown.Permissions, rolePermission{
				DependsOn: []string{}, Description: name, Identifier: shown.Identifier + "." + title, Title: title,
				Type: "checkbox", Value: c.opts.RolePermissions == nil || slices.Contains(c.opts.RolePermissions, name),
			})
		}
		out.Pages = append(out.Pages, shown)
	}
	return data(out)
}
