package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// heard writes down what an observer hears.
type heard struct {
	mu       sync.Mutex
	answered []string
	waited   []string
}

func (h *heard) Answered(_ context.Context, method, endpoint string, status int, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = append(h.answered, fmt.Sprintf("%s %s %d %s", method, endpoint, status, took))
}

func (h *heard) Waited(budget string, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waited = append(h.waited, fmt.Sprintf("%s %s", budget, took))
}

// Each request is heard of once, with ids as {id}: also one without an answer, and what a redirect of the console
// leads to, under the name of our own request.
func TestObserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{
			BaseURL: exampleURL, Token: StaticToken(testToken),
			Budgets: []Budget{{Prefix: "/users", PerSecond: 1, Burst: 2}},
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				answer := &http.Response{
					StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")),
					Request: r, Header: http.Header{},
				}
				switch {
				case strings.HasSuffix(r.URL.Path, "/users/7"):
					return nil, io.ErrUnexpectedEOF
				case strings.HasSuffix(r.URL.Path, "/users/8"):
					answer.StatusCode = http.StatusTemporaryRedirect
					answer.Header.Set("Location", exampleURL+"/a-path-of-the-console")
				}
				return answer, nil
			}),
		})
		require.NoError(t, err)
		var got heard
		c.Observe(&got)
		ok := func([]byte) error { return nil }
		require.NoError(t, c.do(t.Context(), request{method: http.MethodPut, path: "/users/225494730938493804"}, ok))
		require.Error(t, c.do(t.Context(), request{method: http.MethodGet, path: "/users/7"}, ok))
		require.NoError(t, c.do(t.Context(), request{method: http.MethodGet, path: "/users/8"}, ok))
		require.NoError(t, c.do(Urgent(t.Context()), request{method: http.MethodGet, path: "/users"}, ok))
		require.NoError(t, c.do(t.Context(), request{method: http.MethodGet, path: "/users"}, ok))
		require.NoError(t, c.do(t.Context(), request{method: http.MethodGet, path: "/system/info"}, ok))
		require.Equal(t, []string{
			"PUT /users/{id} 200 1s", "GET /users/{id} 0 1s", "GET /users/{id} 307 1s", "GET /users/{id} 200 1s",
			"GET /users 200 1s", "GET /users 200 1s", "GET /system/info 200 1s",
		}, got.answered)
		require.Equal(t, []string{"/users 0s", "/users 0s", "/users 0s", "/users 0s", "/users 0s"}, got.waited)
	})
}

// A request that waits for its budget says how long.
func TestObserve_BudgetWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{
			BaseURL: exampleURL, Token: StaticToken(testToken),
			Budgets: []Budget{{Prefix: "/users", PerSecond: 1, Burst: 1}},
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				body := io.NopCloser(strings.NewReader("{}"))
				return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
			}),
		})
		require.NoError(t, err)
		var got heard
		c.Observe(&got)
		for range 3 {
			list := request{method: http.MethodGet, path: "/users"}
			require.NoError(t, c.do(t.Context(), list, func([]byte) error { return nil }))
		}
		require.Equal(t, []string{"/users 0s", "/users 1s", "/users 1s"}, got.waited)
	})
}
