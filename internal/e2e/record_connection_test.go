//go:build record

package e2e

import (
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

var connectionScenarios = map[string]scenario{
	"off": recordRequest(func(r *grantEnv) client.WorkflowRun { // as the stack has it
		run := r.start(wire.ConnectionID(r.t.Name()), wire.ConnectionType, wire.ConnectionInput{})
		require.NoError(r.t, run.Get(r.ctx(), nil))
		return run
	}),
	"failed_input": recordRequest(func(r *grantEnv) client.WorkflowRun {
		run := r.start(wire.ConnectionID(r.t.Name()), wire.ConnectionType, map[string]string{"konsole": "x"})
		require.Error(r.t, run.Get(r.ctx(), nil))
		return run
	}),
	"open_checked":           checkedConnection,
	"encrypted_open_checked": checkedConnection,
}

// checkedConnection is a workflow that has made a check, and another one when it was asked to.
func checkedConnection(s *stack) string {
	s.worker.Kill()
	s.extraEnv = append(s.extraEnv, "CONNECTION_CHECK_EVERY=10m")
	s.startWorker()
	id := wire.ConnectionID(s.t.Name())
	_, err := s.client.ExecuteWorkflow(s.ctx(), client.StartWorkflowOptions{ID: id, TaskQueue: s.queue},
		wire.ConnectionType, wire.ConnectionInput{})
	require.NoError(s.t, err)
	checked := func(times int) {
		require.Eventually(s.t, func() bool {
			n := 0
			for _, e := range history(s, id).Events {
				if e.EventType == enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED {
					n++
				}
			}
			return n >= times
		}, limit, 200*time.Millisecond)
	}
	checked(1)
	require.NoError(s.t, s.client.SignalWorkflow(s.ctx(), id, "", wire.CheckSignal, nil))
	checked(2)
	return id
}
