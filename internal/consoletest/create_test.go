package consoletest_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// newUser is the body of POST /users, with changes; a nil value omits the field.
func newUser(truth consoletest.Truth, changes map[string]any) map[string]any {
	return newPrincipal(truth, map[string]any{"email": "new@example.com", "fullName": "New One"}, changes)
}

func newServiceUser(truth consoletest.Truth, changes map[string]any) map[string]any {
	fields := map[string]any{"name": "svc.new", "expirationDate": "2027-01-01T00:00:00.123456Z"}
	return newPrincipal(truth, fields, changes)
}

func newPrincipal(truth consoletest.Truth, fields, changes map[string]any) map[string]any {
	body := roles("site", map[string]any{"id": truth.Sites[0].ID, "roleId": truth.Roles[0].ID})
	data := body["data"].(map[string]any)
	maps.Copy(data, fields)
	maps.Copy(data, changes)
	maps.DeleteFunc(data, func(_ string, v any) bool { return v == nil })
	return body
}

// made returns the object in the response to a creation.
func made(t *testing.T, r reply) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, "%s", r.body)
	return r.json(t)["data"].(map[string]any)
}

func TestCreate_User(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	user := made(t, ask(t, s, http.MethodPost, "/users", newUser(truth, map[string]any{"twoFaEnabled": true})))
	id := user["id"].(string)
	got := find(t, s, id)
	require.Equal(t, "new@example.com", got.Email)
	require.Equal(t, "New One", got.Name)
	require.Equal(t, "mgmt", got.Source)
	require.True(t, got.TwoFAEnabled)
	require.False(t, got.EmailVerified)
	require.NotNil(t, got.CreatedAt)
	require.Equal(t, []access.HeldRole{{RoleID: truth.Roles[0].ID, ScopeID: truth.Sites[0].ID}}, got.Held)
	require.Equal(t, id, rows(t, get(t, s, "/users?email=NEW@example.com"))[0]["id"])
	require.Equal(t, "New One", get(t, s, "/users/"+id).json(t)["data"].(map[string]any)["fullName"])

	for _, email := range []string{"new@example.com", "New@Example.com", "ANA@example.com"} {
		r := ask(t, s, http.MethodPost, "/users", newUser(truth, map[string]any{"email": email}))
		require.Equal(t, http.StatusConflict, r.status, email)
		require.Equal(t, "User or Email already taken", r.detail(t))
	}
	require.Len(t, s.Truth().Principals, len(truth.Principals)+1)
}

func TestCreate_UserWithATakenAddress(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{TakenEmailIs400: true, HiddenEmails: []string{"dan@other.example"}})
	truth := s.Truth()
	for _, email := range []string{"Ana@example.com", "Dan@other.example"} {
		r := ask(t, s, http.MethodPost, "/users", newUser(truth, map[string]any{"email": email}))
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, r.detail(t), "already taken")
	}
	require.Empty(t, rows(t, get(t, s, "/users?email=dan@other.example")), "taken, and not to be seen")
	require.Equal(t, truth, s.Truth())
}

// Unknown, missing, mixed or undocumented input draws 400 and creates nothing.
func TestCreate_RejectsInvalidInput(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	site, account, role := truth.Sites[0].ID, truth.Accounts[0].ID, truth.Roles[0].ID
	long := strings.Repeat("å", 256)
	const missing = "Missing data for required field."
	for _, c := range []struct {
		path    string
		changes map[string]any
		want    string
	}{
		{"/users", map[string]any{"email": nil}, "data: email: " + missing},
		{"/users", map[string]any{"email": "ana"}, "data: email: Not a valid email address."},
		{"/users", map[string]any{"email": 17}, "data: Invalid input type."},
		{"/users", map[string]any{"fullName": nil}, "data: fullName: " + missing},
		{"/users", map[string]any{"fullName": ""}, "data: fullName: Shorter than minimum length 1."},
		{"/users", map[string]any{"password": "x"}, "data: password: Not allowed while automatic onboarding is on."},
		{"/users", map[string]any{"forceCredentialAuth": true}, "data: forceCredentialAuth: Unknown field"},
		{"/users", map[string]any{"canGenerateApiToken": true}, "data: canGenerateApiToken: Unknown field"},
		{"/service-users", map[string]any{"name": nil}, "data: name: " + missing},
		{"/service-users", map[string]any{"name": ""}, "data: name: Shorter than minimum length 1."},
		{"/service-users", map[string]any{"name": long}, "data: name: Longer than maximum length 255."},
		{"/service-users", map[string]any{"name": "a=b"}, "data: name: String does not match expected pattern."},
		{"/service-users", map[string]any{"description": long}, "data: description: Longer than maximum length 255."},
		{"/service-users", map[string]any{"expirationDate": nil}, "data: expirationDate: " + missing},
		{"/service-users", map[string]any{"expirationDate": "soon"}, "data: expirationDate: Not a valid datetime."},
		{
			"/service-users",
			map[string]any{"expirationDate": "2020-01-01T00:00:00Z"},
			"data: expirationDate: Must be in the future.",
		},
		{"/service-users", map[string]any{"forceLegacy": true}, "data: forceLegacy: Unknown field"},
		{"", map[string]any{"scope": nil}, "data: scope: " + missing},
		{"", map[string]any{"scope": "group"}, "data: scope: Must be one of: tenant, account, site."},
		{"", map[string]any{"scopeRoles": nil}, "data: scopeRoles: Shorter than minimum length 1."},
		{"", map[string]any{"scopeRoles": []any{}}, "data: scopeRoles: Shorter than minimum length 1."},
		{
			"",
			map[string]any{"scopeRoles": []any{map[string]any{"id": site}}},
			"data: scopeRoles: 0: roleId: " + missing,
		},
		{
			"",
			map[string]any{"scopeRoles": []any{map[string]any{"id": account, "roleId": role}}},
			"data: scopeRoles: 0: id: No such site.",
		},
		{
			"", map[string]any{"scope": "tenant"}, "data: scopeRoles: 0: id: Must not be given for scope tenant.",
		},
		{"", map[string]any{"nickname": "x"}, "data: nickname: Unknown field"},
	} {
		for path, build := range map[string]func(consoletest.Truth, map[string]any) map[string]any{
			"/users": newUser, "/service-users": newServiceUser,
		} {
			if c.path != "" && c.path != path {
				continue
			}
			r := ask(t, s, http.MethodPost, path, build(truth, c.changes))
			require.Equal(t, http.StatusBadRequest, r.status, "%s %v: %s", path, c.changes, r.body)
			require.Equal(t, c.want, r.detail(t))
		}
	}
	require.Equal(t, truth, s.Truth())
	require.Empty(t, s.Changes())
}

// Only the two responses that create a token hold its value.
func TestCreate_ServiceUserAndItsToken(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{SecretMark: "CANARY"})
	r := ask(t, s, http.MethodPost, "/service-users", newServiceUser(s.Truth(), map[string]any{"description": "x"}))
	service := made(t, r)
	id, token := service["id"].(string), service["apiToken"].(map[string]any)
	require.Equal(t, s.ServiceUserToken(id), token["value"])
	require.True(t, strings.HasPrefix(s.ServiceUserToken(id), "CANARY-token-"))
	require.Equal(t, "2027-01-01T00:00:00Z", token["expiresAt"], "tokens expire at a whole second")
	got := find(t, s, id)
	require.Equal(t, "svc.new", got.Name)
	require.Equal(t, "x", got.Description)
	require.Equal(t, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), *got.TokenExpiresAt)

	generate := "/service-users/" + id + "/generate-api-token"
	body := map[string]any{"data": map[string]any{"expirationDate": "2028-01-01T00:00:00Z"}}
	fresh := made(t, ask(t, s, http.MethodPost, generate, body))
	require.NotEqual(t, token["value"], fresh["token"])
	require.Equal(t, s.ServiceUserToken(id), fresh["token"])
	require.Equal(t, "2028-01-01T00:00:00Z", fresh["expiresAt"])
	require.Equal(t, 2028, find(t, s, id).TokenExpiresAt.Year())
	for _, path := range []string{"/service-users/" + id, "/service-users?limit=1000"} {
		require.NotContains(t, string(get(t, s, path).body), "CANARY")
	}
	require.Equal(t, http.StatusNotFound,
		ask(t, s, http.MethodPost, "/service-users/"+unknownID+"/generate-api-token", body).status)
	require.Equal(t, "data: expirationDate: Missing data for required field.",
		ask(t, s, http.MethodPost, generate, map[string]any{"data": map[string]any{}}).detail(t))
	old := consoletest.Start(t, consoletest.Options{NoTokenGeneration: true})
	require.Equal(t, http.StatusNotFound, ask(t, old, http.MethodPost, generate, body).status)
	require.Empty(t, old.ServiceUserToken(id))
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	for kind, path := range map[access.Kind]string{access.User: "/users/", access.ServiceUser: "/service-users/"} {
		id := principals(truth, kind)[0].ID
		other := principals(truth, kind)[1].ID
		r := ask(t, s, http.MethodDelete, path+id, nil)
		require.Equal(t, http.StatusOK, r.status)
		require.JSONEq(t, `{"data":{"success":true}}`, string(r.body))
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			r := ask(t, s, method, path+id, nil)
			require.Equal(t, http.StatusNotFound, r.status)
			require.JSONEq(t, `{"errors":[{"code":4040010,"detail":"","title":"Requested resource was not found"}]}`,
				string(r.body))
		}
		require.Empty(t, rows(t, get(t, s, path[:len(path)-1]+"?ids="+id)))
		require.NotEmpty(t, rows(t, get(t, s, path[:len(path)-1]+"?ids="+other)))
	}
	require.Len(t, s.Truth().Principals, len(truth.Principals)-2)
	require.Equal(t, http.StatusNotFound, ask(t, s, http.MethodPost, "/users/delete-users",
		map[string]any{"filter": map[string]any{}}).status, "the simulator cannot delete by filter")
}

// GET /user returns the token's owner, which cannot be deleted, whatever roles it has.
func TestOwner(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	kind, id := s.TokenOwner()
	require.Equal(t, access.User, kind)
	require.NoError(t, s.SetUserRoles(id, access.SiteLevel, nil))
	require.Equal(t, id, get(t, s, "/user").json(t)["data"].(map[string]any)["id"])
	require.Equal(t, http.StatusForbidden, ask(t, s, http.MethodDelete, "/users/"+id, nil).status)
	require.True(t, s.RemoveUser(id))
	_, next := s.TokenOwner()
	require.NotEqual(t, id, next)

	service := consoletest.Start(t, consoletest.Options{OwnerIsServiceUser: true})
	kind, id = service.TokenOwner()
	require.Equal(t, access.ServiceUser, kind)
	require.Equal(t, http.StatusForbidden, get(t, service, "/user").status)
	require.Equal(t, http.StatusForbidden, ask(t, service, http.MethodDelete, "/service-users/"+id, nil).status)
	none := consoletest.Start(t, consoletest.Options{Users: -1})
	kind, id = none.TokenOwner()
	require.Empty(t, string(kind)+id)
	require.Equal(t, http.StatusNotFound, get(t, none, "/user").status)
}
