package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// RolePermissions are what a role grants, by its page in the console's role editor.
type RolePermissions struct {
	Name string // of the role
	// Granted names the permissions that the role grants, such as "Users.view": page and title.
	Granted []string

	known map[string]bool // by each folded name, whether it is granted
	names [][]string      // of Granted: the folded names of each
}

// Grants says whether the role grants a permission, named as [Permission] does; known is false where the console does
// not show such a permission. That pages and titles, or their identifiers, are spelled as in the vendor's lists of
// required permissions is inferred, so that case and blanks do not count.
func (r RolePermissions) Grants(name string) (granted, known bool) {
	granted, known = r.known[foldPermission(name)]
	return granted, known
}

// Beyond lists the permissions that the role grants and that are none of those allowed, as Granted names them.
func (r RolePermissions) Beyond(allowed []string) []string {
	fine := map[string]bool{}
	for _, name := range allowed {
		fine[foldPermission(name)] = true
	}
	var out []string
	for i, names := range r.names {
		if !slices.ContainsFunc(names, func(name string) bool { return fine[name] }) {
			out = append(out, r.Granted[i])
		}
	}
	return out
}

// RolePermissions returns the permissions of a role. What a role grants depends on the scope and the licence; this is
// what the console says without naming a scope.
//
//s1:operation GET /web/api/v2.1/rbac/role/{role_id}
func (c *Client) RolePermissions(ctx context.Context, id string) (RolePermissions, error) {
	const path = "/rbac/role/"
	var out RolePermissions
	r := request{method: http.MethodGet, path: path + id}
	if err := checkID(id); err != nil {
		r.path = path + "{id}"
		return out, r.failed(KindNotSent, err)
	}
	err := c.do(ctx, r, func(body []byte) error {
		data, err := decodeData[rolePermissionsData](body)
		if err == nil && string(data.ID) != id {
			err = errOtherID
		}
		if err == nil {
			out = data.permissions()
		}
		return err
	})
	return out, err
}

type rolePermissionsData struct {
	ID    id   `json:"id"`
	Name  text `json:"name"`
	Pages []struct {
		Name        text `json:"name"`
		Identifier  text `json:"identifier"`
		Permissions []struct {
			Title      text `json:"title"`
			Identifier text `json:"identifier"`
			Value      bool `json:"value"`
		} `json:"permissions"`
	} `json:"pages"`
}

func (d rolePermissionsData) permissions() RolePermissions {
	out := RolePermissions{Name: string(d.Name), known: map[string]bool{}}
	for _, page := range d.Pages {
		for _, p := range page.Permissions {
			names := []string{foldPermission(string(p.Identifier))}
			for _, of := range []text{page.Name, page.Identifier} {
				for _, title := range []text{p.Title, p.Identifier} {
					names = append(names, foldPermission(string(of+"."+title)))
				}
			}
			for _, name := range names {
				out.known[name] = p.Value
			}
			if p.Value {
				out.Granted = append(out.Granted, string(page.Name+"."+p.Title))
				out.names = append(out.names, names)
			}
		}
	}
	return out
}

// foldPermission leaves letters and digits, in lower case.
func foldPermission(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
