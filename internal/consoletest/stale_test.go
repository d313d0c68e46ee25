package consoletest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// shownScope returns the level of a user in a single read and in the list, which must agree; ""
// if neither shows the user.
func shownScope(t *testing.T, s *consoletest.Server, id string) string {
	t.Helper()
	single, scope := get(t, s, "/users/"+id), ""
	if single.status == http.StatusOK {
		scope = single.json(t)["data"].(map[string]any)["scope"].(string)
	}
	listed := rows(t, get(t, s, "/users?limit=1000&ids="+id))
	if scope == "" {
		require.Equal(t, http.StatusNotFound, single.status)
		require.Empty(t, listed)
		return ""
	}
	require.Len(t, listed, 1)
	require.Equal(t, scope, listed[0]["scope"])
	return scope
}

// Reads do not show the writes that the fault affected; they show all others.
func TestStale_ReadsShowTheStateBefore(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	users := principals(truth, access.User)
	id, other := users[1].ID, users[3].ID
	require.Equal(t, access.AccountLevel, users[1].Level)
	tenant := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
	site := roles("site", map[string]any{"id": truth.Sites[0].ID, "roleId": truth.Roles[0].ID})
	total := len(users)

	fault := s.AddFault(consoletest.Fault{Name: consoletest.Stale, Path: "/users", Delay: time.Hour})
	put := ask(t, s, http.MethodPut, "/users/"+id, tenant)
	require.Equal(t, "tenant", put.json(t)["data"].(map[string]any)["scope"], "the response to the write shows it")
	require.Equal(t, access.Tenant, find(t, s, id).Level, "and it is applied")
	require.Equal(t, consoletest.Stale, s.Requests()[0].Fault)
	require.Equal(t, "account", shownScope(t, s, id))
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+id, site).status)
	require.Equal(t, "account", shownScope(t, s, id), "the oldest hidden write decides")
	require.NoError(t, s.SetUserRoles(other, access.Tenant, []access.HeldRole{{RoleID: truth.Roles[0].ID}}))
	require.Equal(t, "tenant", shownScope(t, s, other), "manual edits are visible at once")

	created := made(t, ask(t, s, http.MethodPost, "/users", newUser(truth, nil)))["id"].(string)
	require.Empty(t, shownScope(t, s, created))
	gone := users[5].ID
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodDelete, "/users/"+gone, nil).status)
	require.NotEmpty(t, shownScope(t, s, gone))
	require.Equal(t, http.StatusNotFound, ask(t, s, http.MethodDelete, "/users/"+gone, nil).status, "writes do not lag")
	require.Len(t, rows(t, get(t, s, "/users?limit=1000")), total)
	require.Empty(t, rows(t, get(t, s, "/users?email=new@example.com")))
	require.Equal(t, http.StatusConflict, ask(t, s, http.MethodPost, "/users", newUser(truth, nil)).status)

	service := principals(truth, access.ServiceUser)[0].ID
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/service-users/"+service, tenant).status)
	require.Equal(t, "tenant", get(t, s, "/service-users/"+service).json(t)["data"].(map[string]any)["scope"],
		"the fault was for users")

	require.True(t, s.RemoveFault(fault))
	require.Equal(t, "site", shownScope(t, s, id))
	require.NotEmpty(t, shownScope(t, s, created))
	require.Empty(t, shownScope(t, s, gone))
}

// A stale fault ends after its delay, and combines with a fault that hides the response.
func TestStale_EndsAndCombines(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	id := principals(truth, access.User)[1].ID
	s.AddFault(consoletest.Fault{Name: consoletest.ErrorAfter, Method: http.MethodPut, Times: 1})
	s.AddFault(consoletest.Fault{Name: consoletest.Stale, Delay: 50 * time.Millisecond, Times: 1})
	r := ask(t, s, http.MethodPut, "/users/"+id, roles("tenant", map[string]any{"roleId": truth.Roles[0].ID}))
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, consoletest.ErrorAfter, s.Requests()[0].Fault)
	// One read at a time: the end of the fault may fall between two.
	require.Eventually(t, func() bool {
		return strings.Contains(string(get(t, s, "/users/"+id).body), `"scope":"tenant"`)
	}, time.Minute, 5*time.Millisecond)
	require.Equal(t, "tenant", shownScope(t, s, id))

	s.AddFault(consoletest.Fault{Name: consoletest.Stale, Delay: time.Hour})
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+id,
		roles("site", map[string]any{"id": truth.Sites[0].ID, "roleId": truth.Roles[0].ID})).status)
	require.Equal(t, "tenant", shownScope(t, s, id))
	s.ClearFaults()
	require.Equal(t, "site", shownScope(t, s, id))
}

// Concurrent writes to one principal are counted, however they end; reads are not.
func TestMaxConcurrentWrites(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	user, other := principals(truth, access.User)[0].ID, principals(truth, access.User)[1].ID
	service := principals(truth, access.ServiceUser)[0].ID
	body := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
	for range 3 {
		require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+user, body).status)
		require.Equal(t, http.StatusOK, get(t, s, "/users/"+user).status)
	}
	require.Equal(t, 1, s.MaxConcurrentWrites(access.User, user))
	require.Zero(t, s.MaxConcurrentWrites(access.ServiceUser, user))
	require.Zero(t, s.MaxConcurrentWrites(access.User, other))

	// Three that wait for each other in the console.
	var arrived sync.WaitGroup
	arrived.Add(3)
	s.OnRequest(func(r consoletest.Request) {
		if r.Method == http.MethodPut {
			arrived.Done()
			arrived.Wait()
		}
	})
	var writers sync.WaitGroup
	for _, path := range []string{"/users/" + other, "/users/" + other, "/service-users/" + service} {
		writers.Go(func() { ask(t, s, http.MethodPut, path, body) })
	}
	writers.Wait()
	require.Equal(t, 2, s.MaxConcurrentWrites(access.User, other))
	require.Equal(t, 1, s.MaxConcurrentWrites(access.ServiceUser, service))
	require.Equal(t, 1, s.MaxConcurrentWrites(access.User, user))
	s.OnRequest(nil)
	s.AddFault(consoletest.Fault{Name: consoletest.CutBefore, Method: http.MethodDelete, Times: 2})
	for range 2 {
		_, err := try(t, s, http.MethodDelete, "/users/"+user, nil)
		require.Error(t, err)
	}
	require.Equal(t, 1, s.MaxConcurrentWrites(access.User, user), "a cut request has ended")
	r := control(t, s, http.MethodGet, "/writes?kind=user&id="+other, "")
	require.JSONEq(t, `{"maxConcurrent":2}`, string(r.body))
}
