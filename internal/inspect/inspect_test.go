package inspect_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/inspect"
)

var now = time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)

// fakeAPI returns the given errors; all other calls succeed.
type fakeAPI struct {
	system, token error
	expires       *time.Time
	probes        map[access.Collection]error
}

func (fakeAPI) Console() string { return "acmeco.example.net" }

func (f fakeAPI) SystemInfo(context.Context) (console.SystemInfo, error) {
	return console.SystemInfo{Version: "Q"}, f.system
}

func (f fakeAPI) TokenDetails(context.Context) (console.TokenDetails, error) {
	return console.TokenDetails{ExpiresAt: f.expires}, f.token
}

func (f fakeAPI) Probe(_ context.Context, c access.Collection) (*int, error) {
	if err := f.probes[c]; err != nil {
		return nil, err
	}
	return new(7), nil
}

func failed(status int) error { return &console.Error{Status: status, Method: "GET", Path: "/x"} }

func TestRun_AllGranted(t *testing.T) {
	t.Parallel()
	report := inspect.Run(t.Context(), fakeAPI{expires: new(now.Add(90 * 24 * time.Hour))}, access.Collections(), now)

	require.NoError(t, report.Err())
	require.True(t, report.Reached())
	require.Empty(t, report.Warnings)
	require.Equal(t, "acmeco.example.net", report.Console)
	require.Len(t, report.Permissions, 5)
	for i, c := range access.Collections() {
		require.Equal(t, c, report.Permissions[i].Collection)
		require.Equal(t, console.Permission(c), report.Permissions[i].Name)
		require.True(t, report.Permissions[i].Granted)
		require.Equal(t, 7, *report.Permissions[i].Total)
	}
}

func TestRun_AllMissingPermissionsInOneError(t *testing.T) {
	t.Parallel()
	report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.Users: failed(http.StatusForbidden), access.Roles: failed(http.StatusForbidden),
		access.Sites: failed(http.StatusTooManyRequests),
	}}, access.Collections(), now)

	err := report.Err()
	require.EqualError(t, err, "the token's role lacks Roles.view and Users.view: "+
		"add them to the role of the token's owner, or leave these collections out")
	got, ok := errors.AsType[*console.Error](err)
	require.True(t, ok)
	require.Equal(t, http.StatusForbidden, got.Status)
	require.True(t, report.Permissions[0].Granted, "granted permissions are still reported")
}

func TestRun_OneMissingPermission(t *testing.T) {
	t.Parallel()
	report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.ServiceUsers: failed(http.StatusForbidden),
	}}, access.Collections(), now)
	require.EqualError(t, report.Err(), "the token's role lacks Service Users.view: "+
		"add it to the role of the token's owner, or leave this collection out")
}

func TestRun_MissingPermissionQuotesConsole(t *testing.T) {
	t.Parallel()
	const scope = "The console is locked by support."
	says := func(title, detail string) error {
		return &console.Error{Status: http.StatusForbidden, Method: "GET", Path: "/x", Title: title, Detail: detail}
	}
	const lacks = "the token's role lacks Users.view: " +
		"add it to the role of the token's owner, or leave this collection out"
	const of = lacks + "; the console says about Users.view: "
	for name, tt := range map[string]struct {
		answer error
		want   string
	}{
		"nothing":       {says("", ""), lacks},
		"title only":    {says("Insufficient permissions", ""), lacks},
		"said twice":    {says("Insufficient permissions", "insufficient permissions."), lacks},
		"detail only":   {says("", scope), of + strings.TrimSuffix(scope, ".")},
		"and a detail":  {says("Insufficient permissions", "No."), of + "No"},
		"another title": {says("Blocked", ""), of + "Blocked"},
		"both":          {says("Blocked", "Ask"), of + "Blocked, Ask"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{access.Users: tt.answer}},
				access.Collections(), now)
			require.EqualError(t, report.Err(), tt.want)
			require.ErrorIs(t, report.Err(), tt.answer)
		})
	}

	report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.Accounts: says("", "Multi"), access.Sites: failed(http.StatusForbidden),
		access.Roles: says("", "Other"), access.Users: says("", "Multi"),
	}}, access.Collections(), now)
	require.EqualError(t, report.Err(), "the token's role lacks Accounts.view, Sites.view, Roles.view and Users.view: "+
		"add them to the role of the token's owner, or leave these collections out; "+
		"the console says about Accounts.view and Users.view: Multi; the console says about Roles.view: Other",
		"each text once")
}

// A refusal because of the scope of the token's user says so once, and names no permission to add,
// which would not help.
func TestRun_WrongScope(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ title, detail, want string }{
		{"Action is not allowed to multi-scope users", "", "holds roles at several scopes"},
		{"Insufficient", "This page doesn't support multi-scopes users yet", "holds roles at several scopes"},
		{"", "User scope level is account. Please provide a valid account ID or site ID.", "the wrong scope (account)"},
		{"", "User does not have required tenant-level permissions.", "the wrong scope: "},
	} {
		says := func(path string) error {
			return &console.Error{
				Status: http.StatusForbidden, Method: "GET", Path: path, Title: c.title, Detail: c.detail,
			}
		}
		report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
			access.Users: says("/users"), access.ServiceUsers: says("/service-users"),
		}}, access.Collections(), now)
		require.ErrorContains(t, report.Err(), "the console does not list users and serviceUsers: GET /users: 403 ")
		require.ErrorContains(t, report.Err(), c.want)
		require.ErrorContains(t, report.Err(), "create a service user with one role at one scope")
		require.NotContains(t, report.Err().Error(), "lacks")
		require.NotContains(t, report.Err().Error(), "\n")
		wrong, ok := errors.AsType[*inspect.ScopeError](report.Err())
		require.True(t, ok)
		require.Equal(t, []string{"users", "serviceUsers"}, wrong.Collections)
	}

	report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.Users: &console.Error{Status: 403, Method: "GET", Path: "/users", Title: "multi-scope users"},
		access.Roles: failed(403),
	}}, access.Collections(), now)
	require.ErrorContains(t, report.Err(), "several scopes")
	require.ErrorContains(t, report.Err(), "lacks Roles.view: ")
}

func TestRun_ProxyRefusalIsNotMissingPermission(t *testing.T) {
	t.Parallel()
	page := &console.Error{Status: http.StatusForbidden, Method: "GET", Path: "/users", HTML: true}
	report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{access.Users: page}},
		access.Collections(), now)
	require.Same(t, page, report.Err())
	require.NotContains(t, report.Err().Error(), "lacks")

	report = inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.Users: page, access.Roles: failed(http.StatusForbidden), access.Sites: failed(503),
	}}, access.Collections(), now)
	require.ErrorIs(t, report.Err(), page)
	require.ErrorContains(t, report.Err(), "lacks Roles.view: ")
	missing, ok := errors.AsType[*inspect.MissingError](report.Err())
	require.True(t, ok)
	require.Equal(t, []string{"Roles.view"}, missing.Permissions)
}

func TestRun_RejectedTokenIsOnlyError(t *testing.T) {
	t.Parallel()
	refused := failed(http.StatusUnauthorized)
	for name, api := range map[string]fakeAPI{
		"at once":          {system: refused},
		"by the token":     {token: refused},
		"in between":       {probes: map[access.Collection]error{access.Users: refused, access.Sites: failed(403)}},
		"after a bad list": {probes: map[access.Collection]error{access.Accounts: failed(400), access.Users: refused}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := inspect.Run(t.Context(), api, access.Collections(), now)
			require.Same(t, refused, report.Err())
		})
	}
}

func TestRun_RejectedTokenNamesCall(t *testing.T) {
	t.Parallel()
	refused := func(method, path string) error {
		return &console.Error{Status: http.StatusUnauthorized, Method: method, Path: path}
	}
	for call, api := range map[string]fakeAPI{
		"GET /users":                    {probes: map[access.Collection]error{access.Users: refused("GET", "/users")}},
		"POST /users/api-token-details": {token: refused("POST", "/users/api-token-details")},
		"GET /system/info":              {system: refused("GET", "/system/info")},
	} {
		report := inspect.Run(t.Context(), api, access.Collections(), now)
		require.ErrorContains(t, report.Err(), call+": 401 Unauthorized: the API token is wrong, expired or revoked")
		if api.system == nil {
			require.True(t, report.Permissions[0].Granted, "the report still says which permissions are granted")
		}
	}
}

func TestRun_NoPermissionsWithoutAnswer(t *testing.T) {
	t.Parallel()
	unreachable := failed(0)
	report := inspect.Run(t.Context(), fakeAPI{system: unreachable}, access.Collections(), now)
	require.Same(t, unreachable, report.Err())
	require.False(t, report.Reached())
	require.Empty(t, report.Permissions)
}

func TestRun_FinalErrorsBeforeTemporaryOnes(t *testing.T) {
	t.Parallel()
	busy := failed(http.StatusServiceUnavailable)
	report := inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{access.Users: busy}},
		access.Collections(), now)
	require.Same(t, busy, report.Err())

	bad := failed(http.StatusBadRequest)
	report = inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.Accounts: busy, access.Users: bad,
	}}, access.Collections(), now)
	require.Same(t, bad, report.Err())

	report = inspect.Run(t.Context(), fakeAPI{probes: map[access.Collection]error{
		access.Roles: failed(http.StatusForbidden), access.Users: bad,
	}}, access.Collections(), now)
	require.ErrorIs(t, report.Err(), bad)
	require.ErrorContains(t, report.Err(), "lacks Roles.view")
}

func TestRun_Warnings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		api  fakeAPI
		want string
	}{
		{
			"soon",
			fakeAPI{expires: new(now.Add(5*24*time.Hour + time.Hour))},
			"expires in 5 days, on 2026-03-08 10:00 UTC",
		},
		{"tomorrow", fakeAPI{expires: new(now.Add(30 * time.Hour))}, "expires in 30 h"},
		{"today", fakeAPI{expires: new(now.Add(3 * time.Hour))}, "expires in 3 h"},
		{"expired by our clock", fakeAPI{expires: new(now.Add(-time.Hour))}, "has expired, on 2026-03-03 08:00 UTC"},
		{"token call not allowed", fakeAPI{token: failed(403)}, "could not read when the API token expires"},
		{"version call not allowed", fakeAPI{system: failed(http.StatusForbidden)}, "could not read the version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			report := inspect.Run(t.Context(), tt.api, access.Collections(), now)
			require.NoError(t, report.Err())
			require.Len(t, report.Warnings, 1)
			require.Contains(t, report.Warnings[0], tt.want)
		})
	}
}
