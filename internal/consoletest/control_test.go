package consoletest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// control calls the control API, without a token.
func control(t *testing.T, s *consoletest.Server, method, path, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/_simulator"+path, strings.NewReader(body))
	require.NoError(t, err)
	return send(t, req)
}

// edit applies one edit and returns the ids in the response.
func edit(t *testing.T, s *consoletest.Server, body string) []string {
	t.Helper()
	r := control(t, s, http.MethodPost, "/edit", body)
	require.Equal(t, http.StatusOK, r.status, "%s", r.body)
	var out struct {
		IDs []string `json:"ids"`
	}
	require.NoError(t, json.Unmarshal(r.body, &out))
	return out.IDs
}

// truthOf is the truth from the control API.
func truthOf(t *testing.T, s *consoletest.Server) consoletest.Truth {
	t.Helper()
	var out consoletest.Truth
	require.NoError(t, json.Unmarshal(control(t, s, http.MethodGet, "/truth", "").body, &out))
	return out
}

// userID returns the id of the user with an e-mail address.
func userID(t *testing.T, s *consoletest.Server, email string) string {
	t.Helper()
	principals := s.Truth().Principals
	i := slices.IndexFunc(principals, func(p access.Principal) bool { return p.Email == email })
	require.GreaterOrEqual(t, i, 0, "no user %s", email)
	return principals[i].ID
}

func TestControl_Faults(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	r := control(t, s, http.MethodPost, "/faults", `{"name":"rateLimited","path":"/users","retryAfter":"2s","times":1}`)
	require.Equal(t, http.StatusCreated, r.status)
	require.JSONEq(t, `{"id":"1"}`, string(r.body))
	require.Equal(t, http.StatusTooManyRequests, get(t, s, "/users").status)
	require.JSONEq(t, `[{"id":"1","seen":1,"fired":1,
		"fault":{"name":"rateLimited","path":"/users","times":1,"retryAfter":"2s"}}]`,
		string(control(t, s, http.MethodGet, "/faults", "").body))
	require.Equal(t, http.StatusNoContent, control(t, s, http.MethodDelete, "/faults?id=1", "").status)
	require.Equal(t, http.StatusNotFound, control(t, s, http.MethodDelete, "/faults?id=1", "").status)
	require.Equal(t, http.StatusNoContent, control(t, s, http.MethodDelete, "/faults", "").status)
	for body, want := range map[string]string{
		`{"name":"fire"}`:                "unknown fault",
		`{"name":"slow","delay":5}`:      "a duration is a string",
		`{"name":"slow","delay":"5"}`:    "write for example 250ms",
		`{"name":"vanish","colour":"x"}`: "colour",
	} {
		r := control(t, s, http.MethodPost, "/faults", body)
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, string(r.body), want)
	}
}

// Each edit is visible in the truth and in the lists.
func TestControl_Edits(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	edit(t, s, `{"op":"removeUser","id":"`+userID(t, s, "carol@example.com")+`"}`) // she comes back as Carol Lind
	before := truthOf(t, s)
	require.Equal(t, s.Truth(), before)
	site := edit(t, s, `{"op":"addSite","site":{"name":"Annex"}}`)[0]
	role := edit(t, s, `{"op":"addRole","role":{"name":"Guard","scope":"site","scopeId":"`+site+`"}}`)[0]
	user := edit(t, s, `{"op":"addUser","principal":{"email":"carol@example.com","name":"Carol","level":"site",
		"held":[{"roleId":"`+role+`","scopeId":"`+site+`"}]}}`)[0]
	service := edit(t, s, `{"op":"addServiceUser","principal":{"name":"svc.new"}}`)[0]
	edit(t, s, `{"op":"updateUser","id":"`+user+`","principal":{"name":"Carol Lind"}}`)
	carol := find(t, s, user)
	require.Equal(t, "Carol Lind", carol.Name)
	require.Equal(t, "carol@example.com", carol.Email)
	require.Equal(t, []access.HeldRole{{RoleID: role, ScopeID: site}}, carol.Held)
	require.Equal(t, "Carol Lind", rows(t, get(t, s, "/users?ids="+user))[0]["fullName"])

	other := before.Roles[1].ID
	edit(t, s, `{"op":"removeRole","id":"`+role+`","targetId":"`+other+`"}`)
	require.Equal(t, []access.HeldRole{{RoleID: other, ScopeID: site}}, find(t, s, user).Held)
	edit(t, s, `{"op":"setServiceUserRoles","id":"`+service+`","level":"tenant","held":[{"roleId":"`+other+`"}]}`)
	require.Equal(t, access.Tenant, find(t, s, service).Level)
	edit(t, s, `{"op":"removeSite","id":"`+site+`"}`)
	require.Empty(t, find(t, s, user).Held)
	edit(t, s, `{"op":"removeUser","id":"`+user+`"}`)
	edit(t, s, `{"op":"removeServiceUser","id":"`+service+`"}`)
	require.Equal(t, before, truthOf(t, s))
	require.Len(t, edit(t, s, `{"op":"removeUsers","n":5}`), 5)
	require.Len(t, edit(t, s, `{"op":"removeServiceUsers","n":99}`), 10)
	require.Len(t, truthOf(t, s).Principals, 14)
}

// Roles can be given and taken one by one, and the log of changes shows it.
func TestControl_RolesAndChanges(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	require.JSONEq(t, `[]`, string(control(t, s, http.MethodGet, "/changes", "").body))
	for kind, op := range map[access.Kind]string{access.User: "UserRole", access.ServiceUser: "ServiceUserRole"} {
		id := principals(truth, kind)[0].ID
		where := `"id":"` + id + `","level":"site","held":[{"roleId":"` + truth.Roles[0].ID + `","scopeId":"` +
			truth.Sites[0].ID + `"}]}`
		edit(t, s, `{"op":"set`+op+`s",`+where)
		edit(t, s, `{"op":"take`+op+`",`+where)
		require.Empty(t, find(t, s, id).Held)
		edit(t, s, `{"op":"give`+op+`",`+where)
		require.Len(t, find(t, s, id).Held, 1)
		r := control(t, s, http.MethodPost, "/edit", `{"op":"give`+op+`","id":"`+id+`","level":"site"}`)
		require.Contains(t, string(r.body), "name the roles")
	}
	var changes []consoletest.Change
	require.NoError(t, json.Unmarshal(control(t, s, http.MethodGet, "/changes", "").body, &changes))
	require.Equal(t, s.Changes(), changes)
	require.GreaterOrEqual(t, len(changes), 4)
}

func TestControl_RejectsInvalidEdits(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	before := s.Truth()
	for body, want := range map[string]string{
		`{"op":"dance"}`:               "choose from addAccount, addRole",
		`{"op":"removeUser","id":"1"}`: `nothing has the id \"1\"`,
		`{"op":"addUser","principal":{"email":"ANA@example.com"}}`:     "is taken",
		`{"op":"addUser","principal":{"id":"12"}}`:                     "an id is a number of at least",
		`{"op":"addSite","site":{"accountId":"12"}}`:                   "an account that exists",
		`{"op":"addRole","role":{"scope":"site","scopeId":"12"}}`:      `no site with id \"12\"`,
		`{"op":"removeRole","id":"1","targetId":"2"}`:                  "must be roles",
		`{"op":"setUserRoles","id":"12","level":"tenant","held":[]}`:   "no user with id 12",
		`{"op":"addServiceUser","principal":{"held":[{"roleId":""}]}}`: "no role with id",
		`{"op":"addUser","who":"me"}`:                                  "unknown field",
	} {
		r := control(t, s, http.MethodPost, "/edit", body)
		require.Equal(t, http.StatusBadRequest, r.status, "%s: %s", body, r.body)
		require.Contains(t, string(r.body), want)
	}
	require.Equal(t, before, s.Truth())
}

func TestControl_LatencyTokenRequests(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	get(t, s, "/users?limit=3")
	get(t, s, "/sites")
	var log []consoletest.Request
	require.NoError(t, json.Unmarshal(control(t, s, http.MethodGet, "/requests?after=1", "").body, &log))
	require.Len(t, log, 1)
	require.Equal(t, 2, log[0].Number)
	require.Equal(t, "/sites", log[0].Path)
	require.Equal(t, access.Sites, log[0].Collection)
	require.Equal(t, http.StatusOK, log[0].Status)
	require.Equal(t, http.StatusNoContent, control(t, s, http.MethodDelete, "/requests", "").status)
	require.Zero(t, s.RequestCount())
	get(t, s, "/users")
	require.Equal(t, 3, s.Requests()[0].Number, "the numbers continue")

	require.Equal(t, http.StatusNoContent, control(t, s, http.MethodPut, "/token", `{"token":"other"}`).status)
	require.Equal(t, "other", s.Token())
	require.Equal(t, http.StatusNoContent, control(t, s, http.MethodPut, "/latency", `{"latency":"1h"}`).status)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+consoletest.BasePath+"/users", nil)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() {
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		ended <- err
	}()
	require.NoError(t, s.WaitForRequests(t.Context(), 2, nil))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// The hook is called before the response, and an edit by it is visible in that response.
func TestOnRequest_CanEditDuringPagination(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Users: 30})
	var pages atomic.Int64
	s.OnRequest(func(r consoletest.Request) {
		if r.Page() && pages.Add(1) == 2 {
			s.RemoveUsers(30)
		}
	})
	got := readAll(t, s, "/users", "limit=10")
	require.Len(t, got, 10)
	require.EqualValues(t, 2, pages.Load())
	s.OnRequest(nil)
	get(t, s, "/users")
	require.EqualValues(t, 2, pages.Load())
}

// WaitForRequests ends with the context and says how many requests it saw.
func TestWaitForRequests_EndsWithTheContext(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	get(t, s, "/users")
	ok := func(r consoletest.Request) bool { return r.Status == http.StatusOK }
	require.NoError(t, s.WaitForRequests(t.Context(), 1, ok))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.WaitForRequests(ctx, 2, ok)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "waiting for 2 requests, 1 came")
}

// A closed server behaves like a console that is down.
func TestServer_CloseTwice(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	s.Close()
	s.Close()
	_, err := try(t, s, http.MethodGet, "/users", nil)
	require.Error(t, err)
}
