package consoletest_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// try sends a request on a new connection, so that no transport retries it.
func try(t *testing.T, s *consoletest.Server, method, path string, body io.Reader) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+consoletest.BasePath+path, body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "ApiToken "+s.Token())
	req.Close = true
	res, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	return reply{status: res.StatusCode, header: res.Header, body: read}, err
}

// faultStatuses are the faults that are complete responses: their status, a header, and a part of
// the body.
var faultStatuses = map[consoletest.FaultKind]struct {
	status              int
	header, value, body string
}{
	consoletest.RateLimited: {
		http.StatusTooManyRequests, "Retry-After", "2", "<h1>429 Too Many Requests</h1>",
	},
	consoletest.ServerError:  {status: http.StatusInternalServerError, body: `"code":5000010`},
	consoletest.BadGateway:   {status: http.StatusBadGateway, header: "Content-Type", value: "text/html"},
	consoletest.Unauthorized: {status: http.StatusUnauthorized},
	consoletest.Forbidden: {
		status: http.StatusForbidden, body: `"code":4030010,"detail":null,"title":"Insufficient permissions"`,
	},
	consoletest.ErrorAfter: {status: http.StatusInternalServerError},
	consoletest.Conflict:   {status: http.StatusConflict},
	consoletest.NotFound:   {status: http.StatusNotFound, body: `"code":4040010,"detail":""`},
	consoletest.Slow:       {status: http.StatusOK},
}

func TestFault_StatusesOnEachList(t *testing.T) {
	t.Parallel()
	for kind, want := range faultStatuses {
		requireFaultOnce(t, kind, func(t *testing.T, r reply, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, want.status, r.status)
			require.Contains(t, string(r.body), want.body)
			if want.header != "" {
				require.Equal(t, want.value, r.header.Get(want.header))
			}
		})
	}
}

// damagedResponses are the faults whose response is incomplete or wrong, each with its check.
var damagedResponses = map[consoletest.FaultKind]func(t *testing.T, r reply, err error){
	consoletest.CutBefore: func(t *testing.T, _ reply, err error) {
		t.Helper()
		require.ErrorIs(t, err, io.EOF)
	},
	consoletest.CutAfter: func(t *testing.T, r reply, err error) {
		t.Helper()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, http.StatusOK, r.status)
	},
	consoletest.Truncated: func(t *testing.T, r reply, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.status)
		require.False(t, json.Valid(r.body))
		require.NotEmpty(t, r.body)
	},
	consoletest.EmptyPage: func(t *testing.T, r reply, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Empty(t, rows(t, r))
		require.Contains(t, string(r.body), `"pagination":{"nextCursor":null,"totalItems":0}`)
	},
	consoletest.EmptyObject: func(t *testing.T, r reply, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, "{}", string(r.body))
	},
	consoletest.Vanish: func(t *testing.T, r reply, err error) {
		t.Helper()
		require.NoError(t, err)
		total := r.json(t)["pagination"].(map[string]any)["totalItems"].(float64)
		require.Len(t, rows(t, r), int(total)-1)
	},
}

func TestFault_DamagedResponsesOnEachList(t *testing.T) {
	t.Parallel()
	for kind, check := range damagedResponses {
		requireFaultOnce(t, kind, check)
	}
}

func TestFault_EveryKindIsTested(t *testing.T) {
	t.Parallel()
	tested := append(slices.Collect(maps.Keys(faultStatuses)), slices.Collect(maps.Keys(damagedResponses))...)
	for kind := range floods {
		require.Contains(t, consoletest.FloodKinds(), kind)
	}
	require.Len(t, floods, len(consoletest.FloodKinds()))
	tested = append(tested, consoletest.Stale) // of writes only: see stale_test.go
	require.ElementsMatch(t, consoletest.FaultKinds(), tested)
	require.Len(t, tested, 16)
}

// requireFaultOnce checks on each list the response to a fault, and that a fault with Times 1
// affects one request only.
func requireFaultOnce(t *testing.T, kind consoletest.FaultKind, check func(t *testing.T, r reply, err error)) {
	t.Helper()
	for _, path := range listPaths {
		t.Run(path+" "+string(kind), func(t *testing.T) {
			t.Parallel()
			s := consoletest.Start(t, consoletest.Options{})
			good, err := try(t, s, http.MethodGet, path+"?limit=1000", nil)
			require.NoError(t, err)
			s.AddFault(consoletest.Fault{
				Name: kind, Path: path, Times: 1, RetryAfter: 1200 * time.Millisecond, Delay: time.Millisecond,
			})
			r, err := try(t, s, http.MethodGet, path+"?limit=1000", nil)
			check(t, r, err)
			again, err := try(t, s, http.MethodGet, path+"?limit=1000", nil)
			require.NoError(t, err)
			require.Equal(t, string(good.body), string(again.body), "it ends after one request")
			log := s.Requests()
			require.Equal(t, kind, log[1].Fault)
			require.Empty(t, log[2].Fault)
		})
	}
}

// After CutBefore the write is not applied, after CutAfter it is; the caller cannot know which.
func TestFault_CutsAroundAWrite(t *testing.T) {
	t.Parallel()
	for kind, done := range map[consoletest.FaultKind]bool{consoletest.CutBefore: false, consoletest.CutAfter: true} {
		s := consoletest.Start(t, consoletest.Options{})
		truth := s.Truth()
		id := principals(truth, access.User)[0].ID
		raw, err := json.Marshal(roles("tenant", map[string]any{"roleId": truth.Roles[0].ID}))
		require.NoError(t, err)
		s.AddFault(consoletest.Fault{Name: kind, Method: http.MethodPut})
		body, in := io.Pipe()
		go func() {
			_, err := in.Write(raw)
			_ = in.CloseWithError(err)
		}()
		_, err = try(t, s, http.MethodPut, "/users/"+id, body)
		require.Error(t, err)
		require.Equal(t, done, find(t, s, id).Level == access.Tenant, kind)
	}
}

// Faults with a status prevent the write, except errorAfter. Method excludes reads.
func TestFault_StatusesOfAWrite(t *testing.T) {
	t.Parallel()
	for kind, want := range map[consoletest.FaultKind]struct {
		status int
		done   bool
	}{
		consoletest.ServerError: {500, false}, consoletest.ErrorAfter: {500, true}, consoletest.Conflict: {409, false},
		consoletest.NotFound: {404, false}, consoletest.Forbidden: {403, false}, consoletest.RateLimited: {429, false},
	} {
		s := consoletest.Start(t, consoletest.Options{})
		truth := s.Truth()
		id := principals(truth, access.User)[0].ID
		s.AddFault(consoletest.Fault{Name: kind, Method: http.MethodPut, Path: "/users", Times: 1})
		require.Equal(t, http.StatusOK, get(t, s, "/users/"+id).status)
		body := roles("tenant", map[string]any{"roleId": truth.Roles[0].ID})
		require.Equal(t, want.status, ask(t, s, http.MethodPut, "/users/"+id, body).status, kind)
		require.Equal(t, want.done, find(t, s, id).Level == access.Tenant, kind)
		changes := 0
		if want.done {
			changes = 1
		}
		require.Len(t, s.Changes(), changes, kind)
		require.Equal(t, http.StatusOK, ask(t, s, http.MethodPut, "/users/"+id, body).status, kind)
	}
}

// A slow response has the given delay, and a client that gives up frees the console.
func TestFault_SlowResponseAfterTheClientGaveUp(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	s.AddFault(consoletest.Fault{Name: consoletest.Slow, Delay: time.Hour})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+consoletest.BasePath+"/users", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "ApiToken "+s.Token())
	_, err = (&http.Client{Timeout: 20 * time.Millisecond}).Do(req) //nolint:bodyclose // there is no answer
	var timeout net.Error
	require.True(t, errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
}

// After, Every and Times count only the requests that the fault covers.
func TestFault_Schedule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault consoletest.Fault
		want  string // one letter per request: x is affected by the fault
	}{
		"each":                  {consoletest.Fault{}, "xxxxxxxx"},
		"after":                 {consoletest.Fault{After: 3}, "...xxxxx"},
		"times":                 {consoletest.Fault{Times: 2}, "xx......"},
		"every":                 {consoletest.Fault{Every: 3}, "..x..x.."},
		"after, every, times":   {consoletest.Fault{After: 1, Every: 2, Times: 2}, "..x.x..."},
		"another path":          {consoletest.Fault{Path: "/user"}, "........"},
		"another method":        {consoletest.Fault{Method: http.MethodPut}, "........"},
		"counts only":           {consoletest.Fault{Only: consoletest.OnlyCounts}, "........"},
		"pages only, one after": {consoletest.Fault{Only: consoletest.OnlyPages, After: 1}, ".xxxxxxx"},
	} {
		s := consoletest.Start(t, consoletest.Options{})
		c.fault.Name = consoletest.ServerError
		s.AddFault(c.fault)
		got := ""
		for range len(c.want) {
			if get(t, s, "/users").status == http.StatusOK {
				got += "."
			} else {
				got += "x"
			}
		}
		require.Equal(t, c.want, got, name)
	}
}

// Selectors distinguish pages, counts and probes; a path covers the paths below it.
func TestFault_Selectors(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	user := principals(s.Truth(), access.User)[0].ID
	for only, hit := range map[consoletest.Only]string{
		consoletest.OnlyPages: "/users?limit=1000", consoletest.OnlyCounts: "/users?countOnly=true",
		consoletest.OnlyProbes: "/users?limit=1",
	} {
		s.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Only: only})
		for _, path := range []string{
			"/users?limit=1000", "/users?countOnly=true", "/users?limit=1", "/users/" + user,
		} {
			require.Equal(t, path == hit, get(t, s, path).status == http.StatusForbidden, "%s %s", only, path)
		}
		s.ClearFaults()
	}
	id := s.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users"})
	require.Equal(t, http.StatusForbidden, get(t, s, "/users/"+user).status)
	require.Equal(t, http.StatusOK, get(t, s, "/service-users").status)
	require.True(t, s.RemoveFault(id))
	require.False(t, s.RemoveFault(id))
	require.Equal(t, http.StatusOK, get(t, s, "/users/"+user).status)
}

// The first of several faults applies; the next one applies after it has ended.
func TestFault_FirstAddedWins(t *testing.T) {
	t.Parallel()
	s := consoletest.Start(t, consoletest.Options{})
	s.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Times: 1})
	second := s.AddFault(consoletest.Fault{Name: consoletest.ServerError, Times: 1})
	require.Equal(t, http.StatusBadGateway, get(t, s, "/users").status)
	require.Zero(t, s.FaultsFired(second))
	require.Equal(t, http.StatusInternalServerError, get(t, s, "/users").status)
	require.Equal(t, http.StatusOK, get(t, s, "/users").status)
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	f, err := consoletest.ParseFault(
		"rateLimited,path=/users,after=2,times=1,every=3,retry-after=2s,only=pages,method=get")
	require.NoError(t, err)
	require.Equal(t, consoletest.Fault{
		Name: consoletest.RateLimited, Path: "/users", After: 2, Times: 1, Every: 3, RetryAfter: 2 * time.Second,
		Only: consoletest.OnlyPages, Method: http.MethodGet,
	}, f)
	raw, err := json.Marshal(f)
	require.NoError(t, err)
	var back consoletest.Fault
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, f, back)
	for text, want := range map[string]string{
		"":                           "unknown fault",
		"fire":                       "choose from rateLimited, serverError",
		"slow":                       "needs a delay",
		"stale":                      "needs a delay",
		"vanish,path=users":          "must begin with a slash",
		"vanish,times=x":             "setting times has the invalid value",
		"vanish,times":               "write name=value",
		"vanish,color=red":           "unknown setting",
		"vanish,only=some":           "choose pages, counts or probes",
		"vanish,after=-1":            "must not be negative",
		"rateLimited,retry-after=2x": "setting retry-after",
	} {
		_, err := consoletest.ParseFault(text)
		require.ErrorContains(t, err, want, text)
	}
}
