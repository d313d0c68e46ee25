package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// A grant is being applied when another one ends, and its attempt fails before it is
// preempted. It is applied once the console is back.
func TestGrant_PreemptedDuringFailingAttempt(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	first := s.startGrant("1", s.input("1h"))
	s.untilHolds(true)
	second := s.world.AtSite("SOC", 2)
	path := "/users/" + s.user.ID
	// A worker hears of it with its first heartbeat, after two seconds.
	for _, kind := range []consoletest.FaultKind{consoletest.Slow, consoletest.ServerError} {
		s.console.AddFault(consoletest.Fault{Name: kind, Path: path, Method: http.MethodPut, Delay: time.Second})
	}
	run := s.startGrant("2", s.inputFor(s.user, second, ""))
	require.NoError(t, s.console.WaitForRequests(s.ctx(), 2, func(r consoletest.Request) bool {
		return r.Method == http.MethodPut && r.Path == path
	}))
	_, err := s.client.UpdateWorkflow(s.ctx(), client.UpdateWorkflowOptions{
		WorkflowID: first.GetID(), UpdateName: wire.EndUpdate, Args: []any{wire.StopInput{By: "bob@example.com"}},
		WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	require.NoError(t, err)
	require.NoError(t, s.console.WaitForRequests(s.ctx(), 1, func(r consoletest.Request) bool {
		return r.Method == http.MethodPut && r.Path == path && r.Status == http.StatusInternalServerError
	}))
	s.console.ClearFaults()
	require.Equal(t, "ended", s.result(first).State)
	got := s.result(run)
	require.Equal(t, "granted", got.State, got.Message)
	require.Equal(t, access.Applied, got.Outcome)
	require.True(t, s.holdings().Holds(second))
	require.False(t, s.holdings().Holds(s.requested))
}
