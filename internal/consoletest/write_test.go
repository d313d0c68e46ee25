package consoletest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// find returns the principal with that id from the truth.
func find(t *testing.T, s *consoletest.Server, id string) access.Principal {
	t.Helper()
	for _, p := range s.Truth().Principals {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("no principal %s", id)
	return access.Principal{}
}

// PUT replaces the whole list, and a change of the level removes all roles held before.
func TestPut_ReplacesTheList(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	for kind, path := range map[access.Kind]string{access.User: "/users/", access.ServiceUser: "/service-users/"} {
		id := principals(truth, kind)[0].ID
		for _, step := range []struct {
			body map[string]any
			want []access.HeldRole
		}{
			{
				roles("site", map[string]any{"id": truth.Sites[0].ID, "roleId": truth.Roles[0].ID},
					map[string]any{"id": truth.Sites[1].ID, "roleId": truth.Roles[1].ID}),
				[]access.HeldRole{
					{RoleID: truth.Roles[0].ID, ScopeID: truth.Sites[0].ID},
					{RoleID: truth.Roles[1].ID, ScopeID: truth.Sites[1].ID},
				},
			},
			{
				roles("account", map[string]any{"id": truth.Accounts[0].ID, "roleId": truth.Roles[2].ID}),
				[]access.HeldRole{{RoleID: truth.Roles[2].ID, ScopeID: truth.Accounts[0].ID}},
			},
			{
				roles("tenant", map[string]any{"roleId": truth.Roles[3].ID}),
				[]access.HeldRole{{RoleID: truth.Roles[3].ID}},
			},
		} {
			r := ask(t, s, http.MethodPut, path+id, step.body)
			require.Equal(t, http.StatusOK, r.status, "%s", r.body)
			require.Equal(t, step.want, find(t, s, id).Held)
			// A read and the list show it at once.
			level := step.body["data"].(map[string]any)["scope"]
			require.Equal(t, level, get(t, s, path+id).json(t)["data"].(map[string]any)["scope"])
			require.Equal(t, level, rows(t, get(t, s, path[:len(path)-1]+"?ids="+id))[0]["scope"])
		}
	}
}

// Unknown, missing, mixed or undocumented input draws 400 and changes nothing.
func TestPut_RejectsInvalidInput(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	site, account, role := truth.Sites[0].ID, truth.Accounts[0].ID, truth.Roles[0].ID
	entry := func(more ...any) map[string]any {
		e := map[string]any{"id": site, "roleId": role}
		for i := 0; i < len(more); i += 2 {
			e[more[i].(string)] = more[i+1]
		}
		return e
	}
	with := func(name string, value any) map[string]any {
		body := roles("site", entry())
		body["data"].(map[string]any)[name] = value
		return body
	}
	const (
		missing  = "Missing data for required field."
		tooShort = "data: scopeRoles: Shorter than minimum length 1."
		first    = "data: scopeRoles: 0: "
	)
	data := func(fields map[string]any) map[string]any { return map[string]any{"data": fields} }
	for name, c := range map[string]struct {
		body any
		want string
	}{
		"no data":         {map[string]any{}, "data: Missing data for required field."},
		"data null":       {map[string]any{"data": nil}, "data: Invalid input type."},
		"top level":       {map[string]any{"data": map[string]any{}, "extra": 1}, "extra: Unknown field"},
		"no scope":        {data(map[string]any{"scopeRoles": []any{entry()}}), "data: scope: " + missing},
		"group":           {roles("group", entry()), "data: scope: Must be one of: tenant, account, site."},
		"unknown field":   {with("nickname", "x"), "data: nickname: Unknown field"},
		"empty list":      {roles("site"), tooShort},
		"no list":         {data(map[string]any{"scope": "site"}), tooShort},
		"list of text":    {with("scopeRoles", "x"), "data: scopeRoles: Invalid input type."},
		"field of a read": {roles("site", entry("accountName", "Acme")), first + "accountName: Unknown field"},
		"account as site": {roles("site", entry(), entry("id", account)), "data: scopeRoles: 1: id: No such site."},
		"site as account": {roles("account", entry()), "data: scopeRoles: 0: id: No such account."},
		"tenant with id":  {roles("tenant", entry()), "data: scopeRoles: 0: id: Must not be given for scope tenant."},
		"null id":         {roles("site", entry("id", nil)), first + "id: " + missing},
		"same scope": {
			roles("site", entry(), entry("roleId", truth.Roles[1].ID)), "data: scopeRoles: 1: Duplicate scope.",
		},
		"no role":      {roles("site", map[string]any{"id": site}), first + "roleId: " + missing},
		"unknown role": {roles("site", entry("roleId", unknownID)), "data: scopeRoles: 0: roleId: No such role."},
		"unknown site": {roles("site", entry("id", unknownID)), "data: scopeRoles: 0: id: No such site."},
	} {
		for kind, path := range map[access.Kind]string{access.User: "/users/", access.ServiceUser: "/service-users/"} {
			before := principals(truth, kind)[0]
			r := ask(t, s, http.MethodPut, path+before.ID, c.body)
			require.Equal(t, http.StatusBadRequest, r.status, "%s: %s", name, r.body)
			require.Equal(t, c.want, r.detail(t), name)
			require.Equal(t, before, find(t, s, before.ID), name)
		}
	}
	require.Equal(t, truth, s.Truth())
}

// Users and service users are separate: neither is found under the other's path.
func TestPut_NotFoundUnderTheOtherPath(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	body := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
	require.Equal(t, http.StatusNotFound,
		ask(t, s, http.MethodPut, "/users/"+principals(truth, access.ServiceUser)[0].ID, body).status)
	require.Equal(t, http.StatusNotFound, get(t, s, "/service-users/"+principals(truth, access.User)[0].ID).status)
	require.Equal(t, http.StatusNotFound, get(t, s, "/users/not-a-number").status)
}

// Other fields of a user change if they are present, and stay otherwise.
func TestPut_OtherFields(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	before := principals(truth, access.User)[0]
	body := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
	body["data"].(map[string]any)["fullName"] = "Ana Changed"
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+before.ID, body).status)
	after := find(t, s, before.ID)
	require.Equal(t, "Ana Changed", after.Name)
	require.Equal(t, before.Email, after.Email)
	body["data"].(map[string]any)["email"] = principals(truth, access.User)[1].Email
	require.Equal(t, http.StatusConflict, ask(t, s, http.MethodPut, "/users/"+before.ID, body).status)
}
