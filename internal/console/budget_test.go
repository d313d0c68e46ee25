package console

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBudgets_LongestPrefixApplies(t *testing.T) {
	t.Parallel()
	limits, err := newLimiters(append(PublishedBudgets(), Budget{Prefix: "/users/login", PerSecond: 1, Burst: 1}))
	require.NoError(t, err)
	for path, want := range map[string]Budget{
		"/accounts":                {"/accounts", 100, 10},
		"/sites":                   {"/sites", 100, 10},
		"/rbac/roles":              {"/rbac", 50, 100},
		"/users":                   {"/users", 40, 80},
		"/users/17":                {"/users", 40, 80},
		"/users/api-token-details": {"/users", 40, 80},
		"/users/login/by-token":    {"/users/login", 1, 1},
		"/user":                    {"/user", 2, 5},
		"/service-users":           {"/service-users", 5, 10},
		"/service-users/17":        {"/service-users", 5, 10},
	} {
		l, found := limits.find(path)
		require.True(t, found, path)
		require.Equal(t, want, l.budget, path)
		require.InDelta(t, want.PerSecond, float64(l.bucket.Limit()), 0)
		require.Equal(t, want.Burst, l.bucket.Burst())
	}
	for _, path := range []string{"/system/info", "/user-groups", "/usersx"} {
		_, found := limits.find(path)
		require.False(t, found, path)
	}
}

// With a clock that this test controls: ten service-user requests are sent at once, the next
// one 200 ms later, and other paths do not wait.
func TestBudgets_DelayRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c, err := New(Config{
			BaseURL: exampleURL, Token: StaticToken(testToken),
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				body := io.NopCloser(strings.NewReader(emptyPage))
				return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
			}),
		})
		require.NoError(t, err)
		ask := func(ctx context.Context) error {
			_, err := c.ServiceUsers(ctx, ListOptions{})
			return err
		}
		for range 10 {
			require.NoError(t, ask(t.Context()))
		}
		require.Zero(t, time.Since(start))
		require.NoError(t, ask(t.Context()))
		require.Equal(t, 200*time.Millisecond, time.Since(start))
		_, err = c.Users(t.Context(), ListOptions{})
		require.NoError(t, err)
		require.Equal(t, 200*time.Millisecond, time.Since(start))

		hurried, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err = ask(hurried)
		require.ErrorContains(t, err, "rate budget of /service-users (5 requests per second) has no room")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, asError(t, err).Temporary())
		require.Equal(t, 200*time.Millisecond, time.Since(start), "it does not wait for what cannot come")
	})
}

// Urgent requests are sent at once, and reduce the budget of the others.
func TestBudgets_UrgentRequestsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var sent atomic.Int64
		c, err := New(Config{
			BaseURL: exampleURL, Token: StaticToken(testToken),
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				body := io.NopCloser(strings.NewReader(success))
				return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
			}),
		})
		require.NoError(t, err)
		remove := func(ctx context.Context) error {
			return c.DeleteServiceUser(WithRequestCounter(ctx, &sent), "17")
		}
		done := make(chan time.Duration)
		for range 15 { // five more than the burst: a sync that waits for its share
			go func() {
				if remove(t.Context()) == nil {
					done <- time.Since(start)
				}
			}()
		}
		synctest.Wait()
		require.Equal(t, int64(10), sent.Load())
		for range 3 {
			require.NoError(t, remove(Urgent(t.Context())))
		}
		require.Zero(t, time.Since(start))
		require.Equal(t, int64(13), sent.Load())
		for range 15 {
			<-done
		}
		require.Equal(t, time.Second, time.Since(start), "requests that wait already keep their places")
		require.NoError(t, remove(t.Context()))
		require.Equal(t, 1800*time.Millisecond, time.Since(start), "5 and 3 were owed, at 5 a second")

		ended, cancel := context.WithCancel(Urgent(t.Context()))
		cancel()
		require.ErrorIs(t, remove(ended), context.Canceled)
		require.Equal(t, int64(19), sent.Load())
	})
}
