package console

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Pages and titles are found whatever their case and blanks, by name or by identifier.
func TestRolePermissions(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"data":{"id":"9001","name":"Provisioner","pages":[
		{"name":"Service users","identifier":"12","permissions":[
			{"title":"View","identifier":"131","value":true},{"title":"Edit","identifier":"132","value":false}]},
		{"name":"Benutzer","identifier":"Users","permissions":[{"title":"Ansehen","identifier":"view","value":true}]},
		{"name":"Sites","identifier":"14","permissions":null},
		{"name":"Konten","identifier":"15","permissions":[
			{"title":"Ansehen","identifier":"accounts.view","value":true}]}]}}`))
	got, err := f.client(t).RolePermissions(t.Context(), "9001")
	require.NoError(t, err)
	require.Equal(t, "Provisioner", got.Name)
	require.Equal(t, []string{"Service users.View", "Benutzer.Ansehen", "Konten.Ansehen"}, got.Granted)
	require.Equal(t, []string{"Benutzer.Ansehen"}, got.Beyond([]string{"service users.view", "Accounts.view"}))
	require.Equal(t, "/web/api/v2.1/rbac/role/9001", f.requests()[0].URL.Path)
	for name, want := range map[string][2]bool{
		"Service Users.view": {true, true}, "Service Users.edit": {false, true}, "Users.view": {true, true},
		"Accounts.view": {true, true}, "Sites.view": {false, false}, "Users.edit": {false, false},
	} {
		granted, known := got.Grants(name)
		require.Equal(t, want, [2]bool{granted, known}, name)
	}
}

func TestRolePermissions_Faults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`: "no data", `{"data":{"id":"1","pages":[]}}`: "another id", `{"data":{"id":"17"`: "cut short",
	} {
		got, err := startConsole(t, respond(200, body)).client(t).RolePermissions(t.Context(), "17")
		require.ErrorContains(t, err, want, body)
		require.Empty(t, got)
	}
	f := startConsole(t, respond(200, `{}`))
	_, err := f.client(t).RolePermissions(t.Context(), "../users")
	require.Equal(t, KindNotSent, asError(t, err).Kind)
	require.Zero(t, f.count())
}

// The sites of deleted accounts do not count, and an account that does not say makes the sum unknown.
func TestSitesOfAccounts(t *testing.T) {
	t.Parallel()
	for rows, want := range map[string]*int{
		`{"id":"1","numberOfSites":3},{"id":"2","numberOfSites":4},{"id":"3","state":"deleted"}`: new(7),
		`{"id":"1","numberOfSites":3},{"id":"2"}`:                                                nil,
		``: new(0),
	} {
		f := startConsole(t, respond(200, `{"data":[`+rows+`],"pagination":{"nextCursor":null}}`))
		got, err := f.client(t).SitesOfAccounts(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := startConsole(t, respond(403, `{}`)).client(t).SitesOfAccounts(t.Context())
	require.Equal(t, 403, asError(t, err).Status)
}
