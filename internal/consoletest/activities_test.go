package consoletest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// entry is what the tests look at of an activity.
type entry struct {
	kind      int
	user      string
	by        string
	createdAt string
	id        string
}

func feedOf(t *testing.T, s *consoletest.Server, query string) []entry {
	t.Helper()
	var out []entry
	for _, r := range rows(t, get(t, s, "/activities?sortBy=createdAt&sortOrder=asc&"+query)) {
		user, _ := r["userId"].(string)
		by, _ := r["data"].(map[string]any)["byUser"].(string)
		out = append(out, entry{int(r["activityType"].(float64)), user, by, r["createdAt"].(string), r["id"].(string)})
	}
	return out
}

func kindsOf(entries []entry) []int {
	var out []int
	for _, e := range entries {
		out = append(out, e.kind)
	}
	return out
}

// Each edit writes the entries that a real console was seen to write: two for one edit of a user, and a deletion and a
// creation with the same id for a service user that moves to another level.
func TestFeed_EachEditHasItsEntries(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	role := truth.Roles[0].ID
	user, err := s.AddUser(access.Principal{})
	require.NoError(t, err)
	require.NoError(t, s.SetUserRoles(user, access.Tenant, []access.HeldRole{{RoleID: role}}))
	require.True(t, s.RemoveUser(user))
	service, err := s.AddServiceUser(access.Principal{})
	require.NoError(t, err)
	site := []access.HeldRole{{RoleID: role, ScopeID: truth.Sites[1].ID}}
	require.NoError(t, s.SetServiceUserRoles(service, access.SiteLevel, site))
	require.NoError(t, s.SetServiceUserRoles(service, access.Tenant, []access.HeldRole{{RoleID: role}}))
	require.True(t, s.RemoveServiceUser(service))
	made, err := s.AddRole(access.Role{})
	require.NoError(t, err)
	require.NoError(t, s.RemoveRole(made, role))

	got := feedOf(t, s, "limit=1000")
	require.Equal(t, []int{23, 24, 37, 25, 140, 141, 142, 140, 142, 107, 109}, kindsOf(got))
	for i, e := range got {
		switch {
		case i < 4:
			require.Equal(t, user, e.user)
		case i < 9:
			require.Equal(t, service, e.user)
		}
	}
	require.Equal(t, got[1].createdAt[:19], got[2].createdAt[:19], "a pair is of the same second")
	require.NotEqual(t, got[1].createdAt, got[2].createdAt)
}

// A write through the API names the owner of the token.
func TestFeed_APIWritesNameTheOwnerOfTheToken(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	truth := s.Truth()
	p := principals(truth, access.User)[3]
	put := roles("site", map[string]any{"id": truth.Sites[0].ID, "roleId": truth.Roles[1].ID})
	require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+p.ID, put).status)
	_, owner := s.TokenOwner()
	name := ""
	for _, p := range truth.Principals {
		if p.ID == owner {
			name = p.Name
		}
	}
	got := feedOf(t, s, "")
	require.Equal(t, []int{24, 37}, kindsOf(got))
	require.Equal(t, name, got[0].by)
}

func feedTotal(t *testing.T, r reply) float64 {
	t.Helper()
	n, _ := r.json(t)["pagination"].(map[string]any)["totalItems"].(float64)
	return n
}

// Filters, order, cursors and counts.
func TestFeed_Query(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{Users: 30})
	s.RemoveUsers(5)
	all := feedOf(t, s, "limit=1000")
	require.Len(t, all, 5)
	require.Equal(t, all[3:], feedOf(t, s, "createdAt__gte="+all[3].createdAt))
	require.Equal(t, all[4:], feedOf(t, s, "createdAt__gt="+all[3].createdAt))
	require.Empty(t, feedOf(t, s, "activityTypes=24,37"))
	require.Equal(t, all[2:3], feedOf(t, s, "userIds="+all[2].user))
	newest := rows(t, get(t, s, "/activities?sortBy=createdAt&sortOrder=desc&limit=1"))
	require.Equal(t, all[4].id, newest[0]["id"])

	first := get(t, s, "/activities?sortBy=createdAt&sortOrder=asc&limit=2")
	next, _ := first.json(t)["pagination"].(map[string]any)["nextCursor"].(string)
	next = url.QueryEscape(next)
	require.Equal(t, all[2:4], feedOf(t, s, "limit=2&cursor="+next))
	require.Equal(t, http.StatusBadRequest, get(t, s, "/activities?sortBy=id&cursor="+next).status)
	require.InDelta(t, 5, feedTotal(t, get(t, s, "/activities?countOnly=true")), 0)
	s.SetFeed(consoletest.Feed{CountCap: 3})
	require.InDelta(t, 3, feedTotal(t, get(t, s, "/activities?countOnly=true")), 0, "counts are capped")
	require.Len(t, feedOf(t, s, "limit=1000"), 5)
}

// The oddities that were seen, or must be expected.
func TestFeed_Oddities(t *testing.T) {
	t.Parallel()
	edit := func(t *testing.T, f consoletest.Feed, n int) *consoletest.Server {
		t.Helper()
		s := consoletest.Start(t, consoletest.Options{Users: 30})
		s.SetFeed(f)
		for range n {
			require.NotEmpty(t, s.RemoveUsers(1))
		}
		return s
	}
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		require.Len(t, feedOf(t, edit(t, consoletest.Feed{LoseEvery: 3}, 6), ""), 4)
	})
	t.Run("doubled", func(t *testing.T) {
		t.Parallel()
		got := feedOf(t, edit(t, consoletest.Feed{DoubleEvery: 2}, 2), "")
		require.Len(t, got, 3)
		require.Equal(t, got[1].user, got[2].user)
		require.NotEqual(t, got[1].id, got[2].id)
	})
	t.Run("late", func(t *testing.T) {
		t.Parallel()
		s := edit(t, consoletest.Feed{LateEvery: 2, LateBy: 2}, 2)
		require.Len(t, feedOf(t, s, ""), 1)
		s.RemoveUsers(1)
		require.Len(t, feedOf(t, s, ""), 2, "the second entry does not show yet")
		s.ReleaseFeed()
		got := feedOf(t, s, "")
		require.Len(t, got, 3)
		byTime := func(a, b entry) int { return strings.Compare(a.createdAt, b.createdAt) }
		require.True(t, slices.IsSortedFunc(got, byTime), "late entries have the time of their edit")
	})
	t.Run("missing types", func(t *testing.T) {
		t.Parallel()
		s := edit(t, consoletest.Feed{MissingTypes: []int{25}}, 1)
		require.Empty(t, feedOf(t, s, ""))
		r := get(t, s, "/activities?activityTypes=23,25")
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, r.detail(t), "activityTypes")
		for _, row := range rows(t, get(t, s, "/activities/types")) {
			require.NotEqual(t, float64(25), row["id"])
		}
	})
	t.Run("names without ids", func(t *testing.T) {
		t.Parallel()
		s := edit(t, consoletest.Feed{NamesOnly: true}, 1)
		got := rows(t, get(t, s, "/activities"))
		require.Nil(t, got[0]["userId"])
		require.NotEmpty(t, got[0]["data"].(map[string]any)["email"])
	})
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		s := edit(t, consoletest.Feed{}, 0)
		s.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/activities"})
		require.Equal(t, http.StatusForbidden, get(t, s, "/activities").status)
	})
}

// Another process sets the oddities.
func TestFeed_Control(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/_simulator/feed",
		strings.NewReader(`{"loseEvery":1}`))
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, send(t, r).status)
	s.RemoveUsers(1)
	require.Empty(t, feedOf(t, s, ""))
}
