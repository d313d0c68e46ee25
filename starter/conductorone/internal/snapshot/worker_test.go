package snapshot

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// followed is a run that Temporal shows so: its status, its result, and how looking at either fails.
func followed(
	t *testing.T, status enumspb.WorkflowExecutionStatus, described error, result wire.SyncResult, failed error,
) *workflowRun {
	t.Helper()
	const id, run = "sync/acmeco.sentinelone.net", "run-1"
	c := mocks.NewClient(t)
	var answer *workflowservice.DescribeWorkflowExecutionResponse
	if described == nil {
		answer = &workflowservice.DescribeWorkflowExecutionResponse{
			WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: status},
		}
	}
	c.On("DescribeWorkflowExecution", mock.Anything, id, run).Return(answer, described)
	of := mocks.NewWorkflowRun(t)
	of.On("Get", mock.Anything, mock.Anything).Maybe().Return(func(_ context.Context, into any) error {
		out, is := into.(*wire.SyncResult)
		require.True(t, is)
		*out = result
		return failed
	})
	c.On("GetWorkflow", mock.Anything, id, run).Maybe().Return(of)
	return &workflowRun{
		c:   &temporalclient.Connection{Client: c, Options: client.Options{HostPort: "temporal:7233"}},
		run: temporalclient.Run{WorkflowID: id, RunID: run},
	}
}

// What becomes of a sync that the connector follows: it runs, it has given a snapshot, or it ended without one, and a
// sentence says why and what to do. While Temporal does not answer, the database is looked at all the same.
func TestWorkflowRun_Check(t *testing.T) {
	t.Parallel()
	const (
		running, completed = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
		ended              = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
	)
	for name, c := range map[string]struct {
		status    enumspb.WorkflowExecutionStatus
		described error
		state     string
		failed    error

		ended bool
		says  string
	}{
		"runs":     {status: running},
		"promoted": {status: completed, state: wire.StatePromoted, ended: true},
		"same":     {status: completed, state: wire.StateUnchanged, ended: true},
		"discarded": {
			status: completed, state: wire.StateQuarantined, ended: true,
			says: "sync/acmeco.sentinelone.net ended without a result, since it was quarantined and discarded: see " +
				"`starter status`, then sync again",
		},
		"failed": {
			status: ended, ended: true,
			failed: fmt.Errorf("workflow execution error: %w", temporal.NewApplicationError(
				"the console rejects the token", string(kinds.Unauthenticated))),
			says: "sync/acmeco.sentinelone.net failed: the console rejects the token",
		},
		"terminated": {
			status: ended, failed: fmt.Errorf("workflow execution error: %w", &temporal.TerminatedError{}), ended: true,
			says: "sync/acmeco.sentinelone.net failed: the sync was terminated: start it again",
		},
		"away": {described: serviceerror.NewUnavailable("connection refused")},
		"gone": {
			described: serviceerror.NewNotFound("workflow not found"),
			says:      "sync/acmeco.sentinelone.net cannot be followed: workflow not found",
		},
		"forbidden": {
			described: serviceerror.NewPermissionDenied("no", ""),
			says:      "sync/acmeco.sentinelone.net cannot be followed: ",
		},
		"away at its end": {
			status: completed, failed: serviceerror.NewUnavailable("connection refused"), ended: true,
			says: "temporal does not answer at temporal:7233",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := followed(t, c.status, c.described, wire.SyncResult{State: c.state}, c.failed)
			done, err := run.Check(t.Context())
			require.Equal(t, c.ended, done)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}
