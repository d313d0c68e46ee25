package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/telemetry"
	"sentinelone-provisioner/internal/wire"
)

// Log lines of a request's workflow and its activities have its id, and so have those of the writer's activities that
// carry out a change for it; others have none.
func TestLogFields(t *testing.T) {
	t.Parallel()
	change := wire.WriteInput{Change: wire.ChangeRequest{Request: "grant/INC-42"}}
	for _, c := range []struct {
		kind, id string
		in       wire.WriteInput
		want     any
	}{
		{wire.GrantType, "grant/INC-7", wire.WriteInput{}, "grant/INC-7"},
		{wire.PrincipalType, "principal/401", change, "grant/INC-42"},
		{wire.SyncType, "sync/acme", wire.WriteInput{}, nil},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			lines := logged(t, c.kind, c.id, c.in)
			require.Len(t, lines, 2)
			fromWorkflow := c.want
			if c.in.Change.Request != "" {
				fromWorkflow = nil // the writer serves many requests
			}
			require.Equal(t, "in the workflow", lines[0]["msg"])
			require.Equal(t, fromWorkflow, lines[0][telemetry.RequestField])
			require.Equal(t, "in the activity", lines[1]["msg"])
			require.Equal(t, c.want, lines[1][telemetry.RequestField])
			require.Equal(t, c.id, lines[1]["WorkflowID"])
			for _, l := range lines {
				require.Equal(t, "acmeco.sentinelone.net", l["console"])
			}
		})
	}
}

// patience is how long a test waits for a workflow, and a workflow may keep its thread: of Temporal's three seconds and
// one second a busy machine takes more.
const patience = 2 * time.Minute

// logged runs a workflow of that type, which logs a line and has an activity log another.
func logged(t *testing.T, kind, id string, in wire.WriteInput) (out []map[string]any) {
	t.Helper()
	var text bytes.Buffer
	logger := telemetry.NewLogger(&text, "info", telemetry.FormatJSON).With("console", "acmeco.sentinelone.net")
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(logger))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(patience)
	env.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: patience,
		Interceptors:             []interceptor.WorkerInterceptor{telemetry.NewLogFields()},
	})
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id})
	env.RegisterActivityWithOptions(func(ctx context.Context, _ wire.WriteInput) error {
		activity.GetLogger(ctx).Info("in the activity")
		return nil
	}, activity.RegisterOptions{Name: wire.WriteActivity})
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		workflow.GetLogger(ctx).Info("in the workflow")
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		return workflow.ExecuteActivity(ctx, wire.WriteActivity, in).Get(ctx, nil)
	}, workflow.RegisterOptions{Name: kind})
	env.ExecuteWorkflow(kind)
	require.NoError(t, env.GetWorkflowError())
	for line := range strings.Lines(text.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		if strings.HasPrefix(l["msg"].(string), "in the ") {
			out = append(out, l)
		}
	}
	return out
}
