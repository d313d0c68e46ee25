package consoletest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

var client = &http.Client{Timeout: time.Minute}

// reply is a response with its whole body.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(r.body, &v), "%s", r.body)
	return v
}

// detail is the text of the first error.
func (r reply) detail(t *testing.T) string {
	t.Helper()
	first := r.json(t)["errors"].([]any)[0].(map[string]any)
	s, _ := first["detail"].(string)
	return s
}

// ask sends a request with the console's token. A nil body means no body.
func ask(t *testing.T, s *consoletest.Server, method, path string, body any) reply {
	t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		in = strings.NewReader(string(raw))
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+consoletest.BasePath+path, in)
	require.NoError(t, err)
	req.Header.Set("Authorization", "ApiToken "+s.Token())
	return send(t, req)
}

func send(t *testing.T, req *http.Request) reply {
	t.Helper()
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return reply{status: res.StatusCode, header: res.Header, body: body}
}

func get(t *testing.T, s *consoletest.Server, path string) reply {
	t.Helper()
	return ask(t, s, http.MethodGet, path, nil)
}

var listPaths = map[access.Collection]string{
	access.Accounts: "/accounts", access.Sites: "/sites", access.Roles: "/rbac/roles", access.Users: "/users",
	access.ServiceUsers: "/service-users",
}

// rows returns the rows of a list response.
func rows(t *testing.T, r reply) []map[string]any {
	t.Helper()
	data := r.json(t)["data"]
	if object, ok := data.(map[string]any); ok {
		data = object["sites"]
	}
	list, ok := data.([]any)
	require.True(t, ok, "%s", r.body)
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i] = list[i].(map[string]any)
	}
	return out
}

// readAll reads a collection to its end.
func readAll(t *testing.T, s *consoletest.Server, path, query string) []map[string]any {
	t.Helper()
	var all []map[string]any
	cursor := ""
	for {
		r := get(t, s, path+"?"+query+cursor)
		require.Equal(t, http.StatusOK, r.status, "%s", r.body)
		all = append(all, rows(t, r)...)
		next, ok := r.json(t)["pagination"].(map[string]any)["nextCursor"].(string)
		if !ok || next == "" {
			return all
		}
		cursor = "&cursor=" + url.QueryEscape(next)
	}
}

func ids(rows []map[string]any) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i], _ = r["id"].(string)
	}
	return out
}

// Pagination of every collection, with any page size, returns each row of the truth once.
func TestPagination_ReturnsTheTruth(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{
		Seed: 7, Accounts: 3, Sites: 25, Users: 101, ServiceUsers: 37, CustomRoles: 9,
	})
	want := map[access.Collection][]string{}
	truth := s.Truth()
	for _, a := range truth.Accounts {
		want[access.Accounts] = append(want[access.Accounts], a.ID)
	}
	for _, e := range truth.Sites {
		want[access.Sites] = append(want[access.Sites], e.ID)
	}
	for _, e := range truth.Roles {
		want[access.Roles] = append(want[access.Roles], e.ID)
	}
	for _, p := range truth.Principals {
		want[p.In()] = append(want[p.In()], p.ID)
	}
	for collection, path := range listPaths {
		for _, query := range []string{"limit=1", "limit=7&sortBy=id&sortOrder=asc", "limit=10&skip=0", "limit=1000"} {
			if collection == access.Roles {
				query += "&includeChildren=true"
			}
			require.Equal(t, want[collection], ids(readAll(t, s, path, query)), "%s?%s", path, query)
		}
	}
}
