package console

import (
	_ "embed"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// The bodies in testdata have the fields of the vendor's API description, with nulls where real
// responses have them; names and ids are invented.
var (
	//go:embed testdata/users.json
	usersBody string
	//go:embed testdata/sites.json
	sitesBody string
	//go:embed testdata/roles.json
	rolesBody string
	//go:embed testdata/service_user.json
	serviceUserBody string
)

const emptyPage = `{"data":[],"pagination":{"totalItems":0,"nextCursor":null}}`

func at(text string) *time.Time {
	stamp, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return &stamp
}

func TestUsers(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, usersBody))
	page, err := f.client(t).Users(t.Context(), ListOptions{Cursor: "a+b/c="})
	require.NoError(t, err)
	require.Equal(t, "YWdlbnRfaWQ6NTgwMjkzODE=", page.Next)
	require.Equal(t, new(580), page.Total)
	require.Equal(t, 1, page.Unassigned)
	require.Equal(t, []access.Principal{
		{
			Kind: access.User, ID: "418828136350235435", Email: "ana@example.com", Name: "Ana Roy",
			Level: access.SiteLevel, Source: "mgmt", EmailVerified: true, TwoFAEnabled: true,
			CreatedAt: at("2024-01-02T09:00:00.123456Z"),
			Held: []access.HeldRole{
				{RoleID: "1407838462433820674", ScopeID: "1535334414585508710"},
				{RoleID: "1600000000000000007", ScopeID: "1535334414585508711"},
			},
		},
		{
			Kind: access.User, ID: "418828136350235436", Email: "bob@example.com", Name: `Bob Ås "B"`,
			Level: access.Tenant, Source: "sso_saml", IsSystem: true, RolesReadOnly: true,
			TokenExpiresAt: at("2025-10-30T23:42:15Z"), LastActiveAt: at("2025-01-01T00:00:00Z"),
			Held: []access.HeldRole{{RoleID: "1407838462433820674"}},
		},
		{Kind: access.User, ID: "418828136350235437", Level: access.AccountLevel},
	}, page.Items)

	request := f.requests()[0]
	require.Equal(t, "/web/api/v2.1/users", request.URL.Path)
	require.Equal(t, url.Values{
		"limit": {"1000"}, "sortBy": {"id"}, "sortOrder": {"asc"}, "cursor": {"a+b/c="},
	}, request.URL.Query())
	require.Equal(t, "ApiToken "+testToken, request.Header.Get("Authorization"))
	require.Equal(t, "application/json", request.Header.Get("Accept"))
	require.Regexp(t, `^sentinelone-provisioner/`, request.Header.Get("User-Agent"))
}

func TestSites_RowsAreInDataSites(t *testing.T) {
	t.Parallel()
	page, err := startConsole(t, respond(200, sitesBody)).client(t).Sites(t.Context(), ListOptions{})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	require.Equal(t, new(2), page.Total)
	require.Equal(t, []access.Site{
		{
			ID: "1535334414585508710", Name: "Berlin",
			AccountID: "433241117337583618", AccountName: "Acme", State: "active",
		},
		{ID: "1535334414585508711", Name: "Berlin", AccountID: "433241117337583619", State: "deleted"},
	}, page.Items)
	require.NotContains(t, allPrints(page), "CANARY")
}

func TestRoles_OfEveryScope(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, rolesBody))
	page, err := f.client(t).Roles(t.Context(), ListOptions{Limit: 7})
	require.NoError(t, err)
	require.Empty(t, page.Next)
	require.Equal(t, []RoleRow{
		{
			Role: access.Role{
				ID: "796942796483806260", Name: "SOC", Description: "SOC analyst",
				Predefined: true, Scope: access.Tenant,
			},
			UsersInRoles: new(12),
		},
		{Role: access.Role{
			ID: "1600000000000000007", Name: "SOC", Scope: access.SiteLevel, ScopeID: "1535334414585508710",
		}},
	}, page.Items)
	require.Equal(t, url.Values{
		"limit": {"7"}, "sortBy": {"id"}, "sortOrder": {"asc"}, "includeChildren": {"true"}, "includeParents": {"true"},
	}, f.requests()[0].URL.Query())
	require.Equal(t, "/web/api/v2.1/rbac/roles", f.requests()[0].URL.Path)
}

func TestServiceUsers_TwoTimestampPrecisions(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"data":[`+serviceUserBody+`],"pagination":{"totalItems":1,"nextCursor":null}}`))
	page, err := f.client(t).ServiceUsers(t.Context(), ListOptions{})
	require.NoError(t, err)
	require.Equal(t, []access.Principal{wantServiceUser()}, page.Items)
	require.NotContains(t, allPrints(page), "CANARY")
}

func wantServiceUser() access.Principal {
	return access.Principal{
		Kind: access.ServiceUser, ID: "1843820828304888119", Name: "svc.example", Description: "integration",
		Level: access.SiteLevel, CreatedAt: at("2023-12-19T23:42:50.997692Z"),
		TokenExpiresAt: at("2025-10-30T23:42:15Z"), LastActiveAt: at("2025-10-30T23:32:43.104085Z"),
		Held: []access.HeldRole{{RoleID: "1407838462433820674", ScopeID: "1535334414585508710"}},
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"pagination":{"nextCursor":null},
		"data":[{"id":"433241117337583618","name":"Acme","state":"active"}]}`))
	page, err := f.client(t).Accounts(t.Context(), ListOptions{})
	require.NoError(t, err)
	require.Nil(t, page.Total)
	require.Equal(t, []access.Account{{ID: "433241117337583618", Name: "Acme", State: "active"}}, page.Items)
}

// Below tenant level, a role without scope id is left out; at tenant level, a scope id is
// ignored.
func TestUsers_ScopeIDsByLevel(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"data":[
		{"id":"1","scope":"Site","scopeRoles":[{"roleId":"5"},{"id":"9","roleId":"5"},null]},
		{"id":"2","scope":"tenant","scopeRoles":[{"id":"9","roleId":"5"},{"id":null,"roleId":"5"}]}
	],"pagination":{}}`))
	page, err := f.client(t).Users(t.Context(), ListOptions{})
	require.NoError(t, err)
	require.Equal(t, 2, page.Unassigned)
	require.Equal(t, []access.HeldRole{{RoleID: "5", ScopeID: "9"}}, page.Items[0].Held)
	require.Equal(t, []access.HeldRole{{RoleID: "5"}}, page.Items[1].Held)
}

func TestLists_EndOfTheList(t *testing.T) {
	t.Parallel()
	for _, pagination := range []string{
		`{"totalItems":0,"nextCursor":null}`, `{"totalItems":0,"nextCursor":""}`, `{"totalItems":0}`,
	} {
		page, err := startConsole(t, respond(200, `{"data":[],"pagination":`+pagination+`,"errors":[]}`)).
			client(t).Users(t.Context(), ListOptions{})
		require.NoError(t, err, pagination)
		require.Empty(t, page.Next)
		require.Empty(t, page.Items)
		require.Equal(t, new(0), page.Total)
	}
}

// If one of these counted as an empty page, all users would look deleted.
func TestLists_InvalidResponses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                       "the body is empty",
		`{}`:                                     "the response has no data",
		`null`:                                   "the response has no data",
		`{"data":null,"pagination":{}}`:          "the response has no data",
		`{"pagination":{"totalItems":0}}`:        "the response has no data",
		`{"data":{},"pagination":{}}`:            "expected a list",
		`{"data":[]}`:                            "no pagination",
		`{"data":[],"pagination":null}`:          "no pagination",
		`{"data":[{"id":"1"}`:                    "cut short",
		`{"data":[{"id":"1"}],"pagination":{}`:   "cut short",
		`{"data":[{"id":"1"}],"pagination":{}}}`: "after the end of the JSON",
		`{"data":[{"name":"x"}],"pagination":{}}`:                               "no id",
		`{"data":[null],"pagination":{}}`:                                       "no id",
		`{"data":[{"id":1.5}],"pagination":{}}`:                                 "(a whole number)",
		`{"data":[{"id":"1","email":[]}],"pagination":{}}`:                      "expected a text",
		`{"data":[],"pagination":{},"errors":[{"code":1,"title":"x"}]}`:         "lists errors",
		`{"data":[],"pagination":{"nextCursor":"c2FtZS1jdXJzb3I="}}`:            "would never end",
		`<html><body>ana@example.com, please log in</body></html>`:              "web page",
		"\ufeff<!DOCTYPE html><html></html>":                                    "web page",
		`[1,2,3]`:                                                               "expected an object",
		`{"data":[{"id":"1","scope":"site","scopeRoles":[7]}],"pagination":{}}`: "expected an object",
	} {
		f := startConsole(t, respond(200, body))
		page, err := f.client(t).Users(t.Context(), ListOptions{Cursor: "c2FtZS1jdXJzb3I="})
		e := asError(t, err)
		require.ErrorContains(t, err, want, body)
		require.ErrorContains(t, err, "GET /users: invalid response (200), which no SentinelOne console sends")
		require.Equal(t, KindMalformed, e.Kind)
		require.Equal(t, 200, e.Status)
		require.True(t, e.Temporary())
		require.Equal(t, Page[access.Principal]{}, page)
		require.Equal(t, 1, f.count())
		require.NotContains(t, allPrints(err), "c2FtZS1jdXJzb3I=")
		require.NotContains(t, allPrints(err), "ana@example.com")
	}
}

func TestSites_WithoutTheInnerList(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{}`, `null`, `{"allSites":{}}`, `{"sites":null}`} {
		_, err := startConsole(t, respond(200, `{"data":`+data+`,"pagination":{"totalItems":0}}`)).
			client(t).Sites(t.Context(), ListOptions{})
		require.ErrorContains(t, err, "the response has no data.sites", data)
	}
	page, err := startConsole(t, respond(200, `{"data":{"sites":[]},"pagination":{"totalItems":0}}`)).
		client(t).Sites(t.Context(), ListOptions{})
	require.NoError(t, err)
	require.Empty(t, page.Items)
}

func TestLists_LimitIsChecked(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, emptyPage))
	for _, limit := range []int{-1, PageLimit + 1} {
		_, err := f.client(t).Users(t.Context(), ListOptions{Limit: limit})
		e := asError(t, err)
		require.Equal(t, KindNotSent, e.Kind)
		require.False(t, e.Temporary())
		require.ErrorContains(t, err, "1 to 1000")
	}
	require.Zero(t, f.count())
}
