package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// The role of the worker's token lacks a permission: a grant and a sync that need it fail with its name.
func TestC1_PermissionIsNamed(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, testbed.AutoApprove)
	e.connect()
	seen := e.synced()
	e.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/users", Method: http.MethodPut})
	e.requireSentence(e.do(e.grant(seen, e.ana)), "403", "lacks Users.edit", "add it to the role in the console")
	require.False(t, e.holds(e.ana))
	e.console.ClearFaults()
	e.connector.Kill()

	e.connect("BATON_MAX_AGE=1ns")
	e.console.AddFault(consoletest.Fault{Name: consoletest.Forbidden, Path: "/service-users"})
	got := e.do(c1test.FullSync())
	e.requireSentence(got, "failed: the token's role lacks Service Users.view: add it to the role")
	require.NotContains(t, got.Message(), "workflow execution error")
	require.Empty(t, got.Uploads)
}

// Where the console limits requests, a standalone sync waits as long as it says, and goes on to its end.
func TestC1_RateLimitIsWaitedOut(t *testing.T) {
	t.Parallel()
	e := prepareC1Env(t, shared, testbed.AutoApprove)
	e.connect("BATON_STANDALONE=true")
	e.console.AddFault(consoletest.Fault{
		Name: consoletest.RateLimited, Path: "/users", Times: 2, RetryAfter: time.Second,
	})
	got := e.do(c1test.FullSync())
	require.True(t, got.Succeeded(), got.Message())
	require.Equal(t, 2, e.limited())
	requireShows(t, expect(e.console, false), e.show(got.File(t)))
}

// A grant whose write the console limits succeeds a little later: the worker waits, and ConductorOne hears of nothing.
func TestC1_RateLimitedGrant(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, testbed.AutoApprove)
	e.connect()
	seen := e.synced()
	e.console.AddFault(consoletest.Fault{
		Name: consoletest.RateLimited, Path: "/users", Method: http.MethodPut, Times: 2, RetryAfter: time.Second,
	})
	got := e.do(e.grant(seen, e.ana))
	require.True(t, got.Succeeded(), got.Message())
	require.Equal(t, 2, e.limited())
	require.True(t, e.holds(e.ana))
}

// limited is how many requests the console has answered with 429.
func (e *c1Env) limited() (n int) {
	for _, r := range e.console.Requests() {
		if r.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}
