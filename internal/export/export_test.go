package export_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/export"
	"sentinelone-provisioner/internal/store"
)

var (
	_ store.ExportSink = (*export.JSON)(nil)
	_ store.ExportSink = (*export.CSV)(nil)
)

const wantJSON = `{
"accounts": [
{"id":"1","name":"Acme"}
],
"sites": [
{"id":"11","name":"Berlin","accountId":"1"},
{"id":"12","name":"Ghent \u003c\u0026\u003e","accountId":"1"}
],
"roles": [
{"id":"21","name":"Admin","predefined":true,"scope":"tenant"}
],
"users": [
{"id":"31","email":"ana@example.com","fullName":"Ana","level":"site","source":"mgmt","emailVerified":true,` +
	`"twoFaEnabled":true,"isSystem":false,"rolesReadOnly":true,"createdAt":"2026-03-03T08:00:00Z",` +
	`"apiTokenExpiresAt":null,"lastActiveAt":null}
],
"serviceUsers": [
{"id":"41","name":"=cmd()","description":"robot","level":"tenant","createdAt":null,` +
	`"apiTokenExpiresAt":"2026-09-01T00:00:00Z","lastActiveAt":null}
],
"assignments": [
{"principalKind":"user","principalId":"31","roleId":"21","level":"site","scopeId":"11"},
{"principalKind":"serviceUser","principalId":"41","roleId":"99","level":"tenant","scopeId":""}
]
}
`

const wantCSV = `principal_kind,principal_id,principal_email,principal_name,role_id,role_name,role_predefined,level,` +
	`scope_id,scope_name,account_id,account_name
user,31,ana@example.com,Ana,21,Admin,true,site,11,Berlin,1,Acme
serviceUser,41,,'=cmd(),99,,,tenant,,,,
`

// writeConsole writes one small console to a sink, in the store's order.
func writeConsole(sink store.ExportSink) error {
	elsewhere := time.FixedZone("elsewhere", 3600)
	return errors.Join(
		sink.Account(access.Account{ID: "1", Name: "Acme", State: "active"}),
		sink.Site(access.Site{ID: "11", Name: "Berlin", AccountID: "1", AccountName: "Acme"}),
		sink.Site(access.Site{ID: "12", Name: "Ghent <&>", AccountID: "1"}),
		sink.Role(access.Role{ID: "21", Name: "Admin", Predefined: true, Scope: access.Tenant}),
		sink.Principal(access.Principal{
			Kind: access.User, ID: "31", Email: "ana@example.com", Name: "Ana", Level: access.SiteLevel,
			Source: "mgmt", EmailVerified: true, TwoFAEnabled: true, RolesReadOnly: true,
			CreatedAt: new(time.Date(2026, 3, 3, 9, 0, 0, 0, elsewhere)),
		}),
		sink.Principal(access.Principal{
			Kind: access.ServiceUser, ID: "41", Name: "=cmd()", Description: "robot", Level: access.Tenant,
			TokenExpiresAt: new(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)),
		}),
		sink.Assignment(access.Assignment{
			PrincipalKind: access.User, PrincipalID: "31", RoleID: "21", Level: access.SiteLevel, ScopeID: "11",
		}),
		sink.Assignment(access.Assignment{
			PrincipalKind: access.ServiceUser, PrincipalID: "41", RoleID: "99", Level: access.Tenant,
		}),
	)
}

func TestJSON_WritesObject(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	sink := export.NewJSON(&out)
	require.NoError(t, writeConsole(sink))
	require.NoError(t, sink.Close())
	require.Equal(t, wantJSON, out.String())
	require.True(t, json.Valid([]byte(out.String())))
}

func TestJSON_ArraysAreNeverNull(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, export.NewJSON(&out).Close())
	require.JSONEq(t, `{"accounts":[],"sites":[],"roles":[],"users":[],"serviceUsers":[],"assignments":[]}`,
		out.String())
}

func TestJSON_RejectsRowsOutOfOrder(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	sink := export.NewJSON(&out)
	require.NoError(t, sink.Role(access.Role{ID: "1"}))
	require.EqualError(t, sink.Account(access.Account{ID: "1"}), "export: a row of accounts came after roles")
}

func TestCSV_JoinsNames(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	sink := export.NewCSV(&out)
	require.NoError(t, writeConsole(sink))
	require.NoError(t, sink.Close())
	require.Equal(t, wantCSV, out.String())
}

func TestCSV_EmptyConsoleHasHeader(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, export.NewCSV(&out).Close())
	require.Equal(t, strings.Join(export.Columns(), ",")+"\n", out.String())
}

func TestCSV_NamesAreInert(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"} {
		var out strings.Builder
		sink := export.NewCSV(&out)
		require.NoError(t, sink.Principal(access.Principal{Kind: access.User, ID: "1", Name: name}))
		require.NoError(t, sink.Assignment(access.Assignment{PrincipalKind: access.User, PrincipalID: "1"}))
		require.NoError(t, sink.Close())
		require.Contains(t, out.String(), "'"+name)
	}
}

// failingWriter fails every write.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestSinks_ReportWriteErrors(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, export.NewJSON(failingWriter{}).Close(), "disk full")
	require.ErrorContains(t, export.NewCSV(failingWriter{}).Close(), "disk full")
}
