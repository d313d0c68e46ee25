package console

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

const (
	userID  = "418828136350235435"
	siteA   = "1535334414585508710"
	siteB   = "1535334414585508711"
	admin   = "1407838462433820674"
	custom  = "1600000000000000007"
	success = `{"data":{"success":true}}`
	canary  = "CANARY-value"
)

// sent is the last request that a console received: method, path and body.
type sent struct{ text string }

// recordConsole starts a console that responds with a body and records the request.
func recordConsole(t *testing.T, body string) (*fakeConsole, *sent) {
	t.Helper()
	var last sent
	return startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		in, _ := io.ReadAll(r.Body)
		last.text = r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), apiPath) + " " + string(in)
		respond(200, body)(w, r)
	}), &last
}

func atSites(held ...access.HeldRole) access.Holdings {
	return access.Holdings{Level: access.SiteLevel, Held: held}
}

// user17 is the response of a console to a write of one user.
const user17 = `{"data":{"id":"17","email":"ana@example.com","fullName":"Ana Roy","scope":"site",
	"scopeRoles":[{"id":"9","roleId":"5","name":"x","accountName":"y"}]}}`

func TestSetRoles_SendsTheWholeListAndNothingElse(t *testing.T) {
	t.Parallel()
	user := access.Principal{Kind: access.User, ID: "17", Email: "ana@example.com", Name: "Ana", Description: "x"}
	service := access.Principal{Kind: access.ServiceUser, ID: "17", Name: "svc", Description: `in "tegration"`}
	bare := access.Principal{Kind: access.ServiceUser, ID: "17", Name: "svc"}
	two := atSites(access.HeldRole{RoleID: admin, ScopeID: siteB}, access.HeldRole{RoleID: custom, ScopeID: siteA})
	const twoBody = `"scope":"site","scopeRoles":[{"id":"` + siteA + `","roleId":"` + custom + `"},` +
		`{"id":"` + siteB + `","roleId":"` + admin + `"}]`
	for _, tc := range []struct {
		of   access.Principal
		want access.Holdings
		text string
	}{
		{user, two, `PUT /users/17 {"data":{` + twoBody + `}}`},
		{service, two, `PUT /service-users/17 {"data":{` + twoBody + `,"description":"in \"tegration\""}}`},
		{bare, two, `PUT /service-users/17 {"data":{` + twoBody + `}}`},
		{
			user,
			access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: admin}}},
			`PUT /users/17 {"data":{"scope":"tenant","scopeRoles":[{"roleId":"` + admin + `"}]}}`,
		},
		{
			user,
			access.Holdings{Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "5", ScopeID: "9"}}},
			`PUT /users/17 {"data":{"scope":"account","scopeRoles":[{"id":"9","roleId":"5"}]}}`,
		},
		{ // the same entry twice means it once
			user, atSites(access.HeldRole{RoleID: "5", ScopeID: "9"}, access.HeldRole{RoleID: "5", ScopeID: "9"}),
			`PUT /users/17 {"data":{"scope":"site","scopeRoles":[{"id":"9","roleId":"5"}]}}`,
		},
	} {
		f, last := recordConsole(t, user17)
		got, err := f.client(t).SetRoles(t.Context(), tc.of, tc.want)
		require.NoError(t, err)
		require.Equal(t, tc.text, last.text)
		require.Equal(t, 1, f.count())
		require.Equal(t, tc.of.Kind, got.Kind)
		require.Equal(t, atSites(access.HeldRole{RoleID: "5", ScopeID: "9"}), got.Holdings(), "from the reply")
	}
}

// A write whose effect is not documented is never sent.
func TestSetRoles_NeverSends(t *testing.T) {
	t.Parallel()
	f, _ := recordConsole(t, user17)
	c := f.client(t)
	one := access.HeldRole{RoleID: "5", ScopeID: "9"}
	for want, holdings := range map[string]access.Holdings{
		"list of roles is empty":   atSites(),
		"roles is empty":           {Level: access.Tenant, Held: []access.HeldRole{}},
		`invalid level ""`:         {Held: []access.HeldRole{one}},
		`invalid level "group"`:    {Level: access.GroupLevel, Held: []access.HeldRole{one}},
		`at site "9" has no role`:  atSites(access.HeldRole{ScopeID: "9"}),
		"at tenant level has no r": {Level: access.Tenant, Held: []access.HeldRole{{}}},
		"no id of its site":        atSites(one, access.HeldRole{RoleID: "5"}),
		"no id of its account":     {Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "5", ScopeID: "x"}}},
		"tenant level have none":   {Level: access.Tenant, Held: []access.HeldRole{one}},
		`two roles at si`:          atSites(one, access.HeldRole{RoleID: "6", ScopeID: "9"}),
		"two roles at te":          {Level: access.Tenant, Held: []access.HeldRole{{RoleID: "5"}, {RoleID: "6"}}},
	} {
		_, err := c.SetRoles(t.Context(), access.Principal{Kind: access.User, ID: "17"}, holdings)
		require.ErrorContains(t, err, "PUT /users/17: not sent: ")
		require.ErrorContains(t, err, want)
		require.Equal(t, KindNotSent, asError(t, err).Kind)
		_, err = c.CreateUser(t.Context(), NewUser{Email: "ana@example.com", FullName: "Ana", Roles: holdings})
		require.ErrorContains(t, err, want)
		_, _, err = c.CreateServiceUser(t.Context(), NewServiceUser{
			Name: "svc", TokenExpiresAt: time.Unix(1, 0), Roles: holdings,
		})
		require.ErrorContains(t, err, want)
	}
	for _, p := range []access.Principal{{}, {Kind: "group", ID: "17"}, {Kind: access.User}, {
		Kind: access.ServiceUser, ID: "1/../2",
	}} {
		_, err := c.SetRoles(t.Context(), p, atSites(one))
		require.Equal(t, KindNotSent, asError(t, err).Kind)
	}
	require.Zero(t, f.count())
}

// Whether a console lists two roles at one scope is unknown. If it does, they are written back
// as they were read; any other pair is not sent.
func TestSetRoles_TwoRolesAtOneScopeOnlyAsRead(t *testing.T) {
	t.Parallel()
	f, last := recordConsole(t, user17)
	c := f.client(t)
	pair := []access.HeldRole{{RoleID: "5", ScopeID: "9"}, {RoleID: "6", ScopeID: "9"}}
	read := access.Principal{Kind: access.User, ID: "17", Level: access.SiteLevel, Held: append(
		slices.Clone(pair), access.HeldRole{RoleID: "7", ScopeID: "8"})}
	want := append(slices.Clone(pair), access.HeldRole{RoleID: "3", ScopeID: "8"})
	_, err := c.SetRoles(t.Context(), read, atSites(want...))
	require.NoError(t, err)
	require.Equal(t, `PUT /users/17 {"data":{"scope":"site","scopeRoles":[{"id":"8","roleId":"3"},`+
		`{"id":"9","roleId":"5"},{"id":"9","roleId":"6"}]}}`, last.text)
	for name, held := range map[string][]access.HeldRole{
		"one of them is another": {pair[0], {RoleID: "4", ScopeID: "9"}},
		"a third":                append(slices.Clone(pair), access.HeldRole{RoleID: "4", ScopeID: "9"}),
		"at another scope":       {{RoleID: "5", ScopeID: "8"}, {RoleID: "6", ScopeID: "8"}},
	} {
		_, err := c.SetRoles(t.Context(), read, atSites(held...))
		require.Equal(t, KindNotSent, asError(t, err).Kind, name)
	}
	_, err = c.SetRoles(t.Context(), read, access.Holdings{Level: access.AccountLevel, Held: pair})
	require.Equal(t, KindNotSent, asError(t, err).Kind, "a scope of another level")
	require.Equal(t, 1, f.count())
}

func TestSetRoles_InvalidResponses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``: "the body is empty", `{}`: "no data", `{"data":{}}`: "another id", `{"data":{"id":"18"}}`: "another id",
		`{"data":{"success":true}}`: "another id", `<html></html>`: "web page",
	} {
		f, _ := recordConsole(t, body)
		p, err := f.client(t).SetRoles(t.Context(), access.Principal{Kind: access.User, ID: "17"},
			atSites(access.HeldRole{RoleID: "5", ScopeID: "9"}))
		require.ErrorContains(t, err, want, body)
		require.Equal(t, KindMalformed, asError(t, err).Kind)
		require.Equal(t, access.Principal{}, p)
	}
}

func TestPrincipal_ByKind(t *testing.T) {
	t.Parallel()
	f, last := recordConsole(t, user17)
	for kind, path := range map[access.Kind]string{access.User: "/users/17", access.ServiceUser: "/service-users/17"} {
		p, err := f.client(t).Principal(t.Context(), kind, "17")
		require.NoError(t, err)
		require.Equal(t, kind, p.Kind)
		require.Equal(t, "GET "+path+" ", last.text)
	}
	_, err := f.client(t).Principal(t.Context(), "group", "17")
	require.ErrorContains(t, err, `unknown kind of principal "group"`)
	require.Equal(t, KindNotSent, asError(t, err).Kind)
	require.Equal(t, 2, f.count())
}

func TestDelete(t *testing.T) {
	t.Parallel()
	f, last := recordConsole(t, success)
	c := f.client(t)
	require.NoError(t, c.DeleteUser(t.Context(), "17"))
	require.Equal(t, "DELETE /users/17 ", last.text)
	require.NoError(t, c.DeleteServiceUser(t.Context(), "17"))
	require.Equal(t, "DELETE /service-users/17 ", last.text)
	for _, id := range []string{"", "*", "../accounts/1", "delete-users"} {
		require.Equal(t, KindNotSent, asError(t, c.DeleteUser(t.Context(), id)).Kind)
		require.Equal(t, KindNotSent, asError(t, c.DeleteServiceUser(t.Context(), id)).Kind)
	}
	require.Equal(t, 2, f.count())

	for body, want := range map[string]string{
		`{}`: "no data", `{"data":{}}`: "does not confirm success", `{"data":{"success":false}}`: "does not confirm",
	} {
		f, _ := recordConsole(t, body)
		require.ErrorContains(t, f.client(t).DeleteUser(t.Context(), "17"), want)
	}
	err := startConsole(t, respond(404, resourceGone)).client(t).DeleteUser(t.Context(), "17")
	require.Equal(t, 404, asError(t, err).Status, "callers treat 404 as deleted")
}

// everyWrite calls each method that changes a console.
func everyWrite(ctx context.Context, c *Client) map[string]error {
	held := atSites(access.HeldRole{RoleID: "5", ScopeID: "9"})
	later := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	out := map[string]error{}
	_, out["PUT /users/17"] = c.SetRoles(ctx, access.Principal{Kind: access.User, ID: "17"}, held)
	_, out["PUT /service-users/17"] = c.SetRoles(ctx, access.Principal{Kind: access.ServiceUser, ID: "17"}, held)
	_, out["POST /users"] = c.CreateUser(ctx, NewUser{Email: "ana@example.com", FullName: "Ana Roy", Roles: held})
	_, _, out["POST /service-users"] = c.CreateServiceUser(ctx,
		NewServiceUser{Name: "svc", Roles: held, TokenExpiresAt: later})
	_, out["POST /service-users/17/generate-api-token"] = c.GenerateServiceUserToken(ctx, "17", later)
	out["DELETE /users/17"] = c.DeleteUser(ctx, "17")
	out["DELETE /service-users/17"] = c.DeleteServiceUser(ctx, "17")
	return out
}

func TestReadOnly_EveryWriteOfThePackage(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(200, user17))
	var sent atomic.Int64
	ctx := Urgent(WithRequestCounter(t.Context(), &sent))
	for call, err := range everyWrite(ctx, f.client(t, func(cfg *Config) { cfg.ReadOnly = true })) {
		require.ErrorIs(t, err, ErrReadOnly, call)
		require.ErrorContains(t, err, call+": not sent")
	}
	require.Zero(t, f.count())
	require.Zero(t, sent.Load())
}

func TestWrites_ForbiddenNamesThePermission(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(403, `{"errors":[{"code":4030010,"detail":null,"title":"Insufficient permissions"}]}`))
	want := map[string]string{
		"PUT /users/17": "Users.edit", "PUT /service-users/17": "Service Users.edit",
		"POST /users": "Users.create", "POST /service-users": "Service Users.create",
		"POST /service-users/17/generate-api-token": "Service Users.edit",
		"DELETE /users/17":                          "Users.delete", "DELETE /service-users/17": "Service Users.delete",
	}
	got := everyWrite(t.Context(), f.client(t))
	require.Len(t, got, len(want))
	for call, err := range got {
		require.ErrorContains(t, err, call+": 403")
		require.ErrorContains(t, err, "lacks "+want[call]+" at this scope")
	}
	require.Equal(t, len(want), f.count(), "nothing is repeated")
	_, err := f.client(t).Self(t.Context())
	require.ErrorContains(t, err, "lacks Users.view at")
}

// A redirect would turn a write into a GET, whose response may look like that of the write.
func TestWrites_AreNotTurnedIntoReads(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303} {
		f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				respond(200, user17)(w, r)
				return
			}
			http.Redirect(w, r, r.URL.Path+"/", status)
		})
		for call, err := range everyWrite(t.Context(), f.client(t)) {
			require.Equal(t, KindRedirected, asError(t, err).Kind, call)
			require.ErrorContains(t, err, "nothing was written")
		}
	}
	f := startConsole(t, func(w http.ResponseWriter, r *http.Request) {
		in, _ := io.ReadAll(r.Body)
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusPermanentRedirect)
			return
		}
		respond(200, strings.Replace(user17, `"17"`, `"17","seen":`+string(in), 1))(w, r)
	})
	_, err := f.client(t).SetRoles(t.Context(), access.Principal{Kind: access.User, ID: "17"},
		atSites(access.HeldRole{RoleID: "5", ScopeID: "9"}))
	require.NoError(t, err, "308 keeps method and body")
}
