package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestUser(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, `{"data":{"scopeRoles":[{"name":"Acme","id":433241117337583618,"roleId":7}],
		"scope":"Account","id":418828136350235435,"email":"ana@example.com","fullName":"Ana Roy",
		"account":{"id":"1","name":"x"},"pages":[]}}`))
	user, err := f.client(t).User(t.Context(), "418828136350235435")
	require.NoError(t, err)
	require.Equal(t, access.Principal{
		Kind: access.User, ID: "418828136350235435", Email: "ana@example.com", Name: "Ana Roy",
		Level: access.AccountLevel,
		Held:  []access.HeldRole{{RoleID: "7", ScopeID: "433241117337583618"}},
	}, user)
	require.Equal(t, "/web/api/v2.1/users/418828136350235435", f.requests()[0].URL.Path)
	require.Empty(t, f.requests()[0].URL.RawQuery)
}

func TestUser_Faults(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`:                   "no data",
		`{"data":null}`:        "no data",
		`{"data":[]}`:          "expected an object",
		`{"data":{}}`:          "another id",
		`{"data":{"id":"18"}}`: "another id",
		`{"data":{"id":"17"`:   "cut short",
	} {
		user, err := startConsole(t, respond(200, body)).client(t).User(t.Context(), "17")
		require.ErrorContains(t, err, want, body)
		require.Equal(t, KindMalformed, asError(t, err).Kind)
		require.Equal(t, access.Principal{}, user)
	}
	f := startConsole(t, respond(200, `{"data":{}}`))
	for _, id := range []string{"", "../accounts", "17?x=1", "ana@example.com"} {
		_, err := f.client(t).User(t.Context(), id)
		e := asError(t, err)
		require.Equal(t, KindNotSent, e.Kind)
		require.False(t, e.Temporary())
		require.NotContains(t, err.Error(), "example.com")
		_, err = f.client(t).ServiceUser(t.Context(), id)
		require.Equal(t, KindNotSent, asError(t, err).Kind)
	}
	require.Zero(t, f.count())
}

const (
	serviceUserID   = "1843820828304888119"
	serviceUserGone = `{"errors":[{"code":4040010,"detail":"Service User not found.",
		"title":"Requested resource was not found"}]}`
	resourceGone = `{"errors":[{"code":4040010,"detail":"","title":"Requested resource was not found"}]}`
)

// serviceUserConsole has separate handlers for one service user and for the list.
func serviceUserConsole(t *testing.T, one, list http.HandlerFunc) *fakeConsole {
	t.Helper()
	return startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/"+serviceUserID) {
			one(w, r)
			return
		}
		list(w, r)
	})
}

func TestServiceUser(t *testing.T) {
	t.Parallel()
	f := serviceUserConsole(t, respond(200, `{"data":`+serviceUserBody+`}`), respond(500, ""))
	p, err := f.client(t).ServiceUser(t.Context(), serviceUserID)
	require.NoError(t, err)
	require.Equal(t, wantServiceUser(), p)
	require.Equal(t, 1, f.count())
}

func TestServiceUser_ConsoleWithoutTheCall(t *testing.T) {
	t.Parallel()
	list := respond(200, `{"data":[`+serviceUserBody+`],"pagination":{"totalItems":1}}`)
	for name, one := range map[string]http.HandlerFunc{
		"general not found": respond(404, resourceGone),
		"page not found":    respond(404, fmt.Sprintf(nginxPage, 404, 404)),
		"nothing":           respond(404, ""),
		"other method":      respond(405, ""),
		"not supported":     respond(501, `{"errors":[{"code":5010010,"title":"x"}]}`),
	} {
		f := serviceUserConsole(t, one, list)
		p, err := f.client(t).ServiceUser(t.Context(), serviceUserID)
		require.NoError(t, err, name)
		require.Equal(t, wantServiceUser(), p)
		require.Equal(t, 2, f.count())
		require.Equal(t, "/web/api/v2.1/service-users", f.requests()[1].URL.Path)
		require.Equal(t, url.Values{"ids": {serviceUserID}}, f.requests()[1].URL.Query())
	}
}

func TestServiceUser_DoesNotExist(t *testing.T) {
	t.Parallel()
	f := serviceUserConsole(t, respond(404, serviceUserGone), respond(500, ""))
	_, err := f.client(t).ServiceUser(t.Context(), serviceUserID)
	require.Equal(t, 404, asError(t, err).Status)
	require.Equal(t, 1, f.count(), "the console's own title needs no second request")

	f = serviceUserConsole(t, respond(404, resourceGone), respond(200, emptyPage))
	_, err = f.client(t).ServiceUser(t.Context(), serviceUserID)
	require.EqualError(t, err, "GET /service-users/"+serviceUserID+": 404 Service User not found")
	require.False(t, asError(t, err).Temporary())
}

// Only a confirmed absence may become "does not exist".
func TestServiceUser_FailuresOfTheFallback(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`: "no data",
		`{"data":[{"id":"9"}],"pagination":{"totalItems":1}}`: "other ids",
	} {
		f := serviceUserConsole(t, respond(405, ""), respond(200, body))
		_, err := f.client(t).ServiceUser(t.Context(), serviceUserID)
		require.ErrorContains(t, err, want)
		require.Equal(t, KindMalformed, asError(t, err).Kind)
	}
	for _, status := range []int{401, 403, 429, 502} {
		f := serviceUserConsole(t, respond(status, ""), respond(200, emptyPage))
		_, err := f.client(t).ServiceUser(t.Context(), serviceUserID)
		require.Equal(t, status, asError(t, err).Status)
		require.Equal(t, 1, f.count())
	}
}

func TestCount_IgnoresData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		``, `"data":null,`, `"data":[],`, `"data":{},`, `"data":17,`, `"data":[{"id":null}],`,
	} {
		f := startConsole(t, respond(200, `{`+data+`"pagination":{"totalItems":3426,"nextCursor":null}}`))
		n, err := f.client(t).Count(t.Context(), access.ServiceUsers)
		require.NoError(t, err, data)
		require.Equal(t, 3426, n)
		require.Equal(t, url.Values{"countOnly": {"true"}}, f.requests()[0].URL.Query())
	}
}

func TestCount_NeedsTheTotal(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{}`:                                            "no totalItems",
		`{"data":[],"pagination":null}`:                 "no totalItems",
		`{"pagination":{"totalItems":null}}`:            "no totalItems",
		`{"pagination":{"totalItems":-1}}`:              "no totalItems",
		`{"pagination":{"totalItems":"many"}}`:          "no totalItems",
		`{"pagination":{"totalItems":12`:                "cut short",
		`{"pagination":{"totalItems":1},"errors":[{}]}`: "lists errors",
	} {
		_, err := startConsole(t, respond(200, body)).client(t).Count(t.Context(), access.Users)
		require.ErrorContains(t, err, want, body)
		require.True(t, asError(t, err).Temporary())
	}
}

func TestCountAndProbe_EachCollection(t *testing.T) {
	t.Parallel()
	paths := map[access.Collection]string{
		access.Accounts: "/accounts", access.Sites: "/sites", access.Roles: "/rbac/roles",
		access.Users: "/users", access.ServiceUsers: "/service-users",
	}
	for _, of := range access.Collections() {
		data := `[]`
		if of == access.Sites {
			data = `{"sites":[]}`
		}
		f := startConsole(t, respond(200, `{"data":`+data+`,"pagination":{"totalItems":5}}`))
		n, err := f.client(t).Count(t.Context(), of)
		require.NoError(t, err)
		require.Equal(t, 5, n)
		total, err := f.client(t).Probe(t.Context(), of)
		require.NoError(t, err)
		require.Equal(t, new(5), total)
		for i, r := range f.requests() {
			require.Equal(t, "/web/api/v2.1"+paths[of], r.URL.Path)
			require.Equal(t, of == access.Roles, r.URL.Query().Get("includeChildren") == "true")
			require.Equal(t, i == 1, r.URL.Query().Get("limit") == "1")
		}
	}
	f := startConsole(t, respond(200, emptyPage))
	_, err := f.client(t).Count(t.Context(), "groups")
	require.ErrorContains(t, err, `unknown collection "groups"`)
	_, err = f.client(t).Probe(t.Context(), "groups")
	require.ErrorContains(t, err, `unknown collection "groups"`)
	require.Zero(t, f.count())
}
