package livestatus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

// A revoke that waits for the console says since when, how often it was tried, when
// next and why.
func TestRequest_SaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	next := noon.Add(5 * time.Minute)
	s := &source{waits: []store.Wait{{
		Since: noon.Add(-time.Hour), At: noon, NextTry: &next, Attempt: 17, Text: "PUT: 502",
	}}}
	require.Equal(t, "waiting for SentinelOne since 2026-11-02 11:00:00 UTC, attempt 17, "+
		"next at 2026-11-02 12:05:00 UTC, "+
		"last error: PUT: 502", waitingOf(t, s, wire.StateApplying))
}

// One that waits since giving access is frozen does not wait for the console.
func TestRequest_SaysThatGivingIsFrozen(t *testing.T) {
	t.Parallel()
	next := noon.Add(time.Minute)
	const why = access.GivingFrozen + " since 2026-11-02T11:00:00Z by carol@example.com"
	s := &source{waits: []store.Wait{{Since: noon, At: noon, NextTry: &next, Attempt: 2, Text: why}}}
	require.Equal(t, why+" (attempt 2, next at 2026-11-02 12:01:00 UTC)", waitingOf(t, s, wire.StateApplying))
}

// So does a request that is not planned yet, which does not know its console.
func TestRequest_SaysWhyItIsNotPlanned(t *testing.T) {
	t.Parallel()
	s := &source{waits: []store.Wait{{Since: noon.Add(-time.Hour), At: noon, Attempt: 3, Text: "GET: 502"}}}
	require.Equal(t, "waiting for SentinelOne since 2026-11-02 11:00:00 UTC, attempt 3, last error: GET: 502",
		waitingOf(t, s, wire.StatePlanning))
}

func TestRequest_StandsAloneWithoutTheStore(t *testing.T) {
	t.Parallel()
	require.Empty(t, waitingOf(t, &source{}, wire.StateApplying), "nothing waits")
	down := &source{err: errors.New("the store is down")}
	require.Empty(t, waitingOf(t, down, wire.StateApplying), "the workflow's own answer stands")
}

// waitingOf asks a revoke for its status in a state, planning or applying.
func waitingOf(t *testing.T, s *source, in string) string {
	t.Helper()
	env := flowtest.New()
	workflows.Register(env)
	activities.NewRequest(nil, nil).Register(env)
	planned, applied := time.Hour, time.Duration(0)
	if in == wire.StateApplying {
		planned, applied = applied, planned
	}
	env.OnActivity(wire.PlanActivity, mock.Anything, mock.Anything).After(planned).
		Return(wire.PlanResult{Plan: access.Plan{Console: console}}, nil)
	env.OnActivity(wire.ApplyActivity, mock.Anything, mock.Anything).After(applied).
		Return(wire.ApplyResult{Receipt: &access.Receipt{State: wire.StateRevoked}}, nil)
	var out wire.RequestStatus
	env.RegisterDelayedCallback(func() {
		answer, err := env.QueryWorkflow(wire.StatusQuery)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&out))
	}, time.Minute)
	env.ExecuteWorkflow(wire.RevokeType, wire.RevokeInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: "1"}, Role: access.RoleSelector{ID: "2"},
		Scope: access.ScopeSelector{Level: access.Tenant}, Requester: "bob@example.com",
	})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, in, out.State)
	require.Empty(t, out.Waiting, "the query itself asks no store")
	return livestatus.NewCompleter(livestatus.From(s), console).Request(t.Context(), out).Waiting
}
