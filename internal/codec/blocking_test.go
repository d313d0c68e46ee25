package codec_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/testbed/flowtest"
)

// In a workflow, a payload that cannot be decrypted stops the workflow task: it is no error that the
// workflow could take for an answer. In an activity and in a client it is an error. Workflow and activity
// are reported. Other faults stay errors, and what can be decrypted arrives.
func TestBlocking(t *testing.T) {
	t.Parallel()
	right, wrong := mustKeys(t, keyLine("k1", 'a')), mustKeys(t, keyLine("k1", 'b'))
	readable := encode(t, right, payload(`"x"`))[0]
	malformed := encode(t, right, payload(`"x`))[0]
	foreign := encode(t, wrong, payload(`"x"`))[0]
	var reported []codec.Undecodable
	blocking := codec.Blocking(codec.DataConverter(right), func(u codec.Undecodable) { reported = append(reported, u) })
	aware, is := blocking.(converter.ContextAware)
	require.True(t, is)
	usual := func(dc converter.DataConverter) {
		var got string
		require.NoError(t, dc.FromPayload(readable, &got))
		require.Equal(t, "x", got)
		require.Error(t, dc.FromPayload(malformed, &got))
	}

	flow := flowtest.New()
	flow.ExecuteWorkflow(func(ctx workflow.Context) error {
		dc := aware.WithWorkflowContext(ctx)
		usual(dc)
		const text = `this workflow waits for the key of a payload, and goes on once a worker has it: ` +
			`cannot decrypt a payload with key "k1", check this key in PAYLOAD_KEYS_FILE: ` +
			`cipher: message authentication failed`
		require.PanicsWithError(t, text, func() { _ = dc.FromPayload(foreign, new(string)) })
		return nil
	})
	require.NoError(t, flow.GetWorkflowError())
	require.Len(t, reported, 1)
	require.Equal(t, "k1", reported[0].Err.KeyID)
	require.NotEmpty(t, reported[0].WorkflowID)
	require.Empty(t, reported[0].Activity)

	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	work := func(ctx context.Context) error {
		dc := aware.WithContext(ctx)
		usual(dc)
		return dc.FromPayload(foreign, new(string))
	}
	env.RegisterActivityWithOptions(work, activity.RegisterOptions{Name: "Principal.Write"})
	_, err := env.ExecuteActivity("Principal.Write")
	require.ErrorContains(t, err, `check this key in PAYLOAD_KEYS_FILE`)
	require.Len(t, reported, 2)
	require.Equal(t, "Principal.Write", reported[1].Activity)

	client := aware.WithContext(t.Context())
	usual(client)
	var missing *codec.UndecodableError
	require.ErrorAs(t, client.FromPayload(foreign, new(string)), &missing)
	require.Len(t, reported, 2)
}
