package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/prototext"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

const (
	tokenCanary        = "CANARY-TOKEN-1f9c0d"  // the console's API token
	registrationCanary = "CANARY-REGISTRATION-" // begins every registration token
)

// Neither the console's token, nor registration tokens, nor the secret of ConductorOne's client occur in what the
// connector and the worker log, in what is uploaded, in what is said to ConductorOne, in the database or in a history:
// not in a normal run, not during faults, and not when the console refuses the token.
func TestCanary_SecretsAppearNowhere(t *testing.T) {
	t.Parallel()
	o := grantworld.Options()
	o.Token, o.SecretMark = tokenCanary, registrationCanary
	e := prepareC1EnvWith(t, shared, revokesToo, o)
	e.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/sites", Times: 1})
	e.startWorker()
	e.connect("BATON_API_TOKEN=" + tokenCanary)
	first := e.do(c1test.FullSync())
	require.True(t, first.Succeeded(), first.Message())
	seen := first.Contents(t)
	ends := []c1test.Result{first, e.do(e.grant(seen, e.ana)), e.do(e.revoke(seen))}
	e.console.AddFault(consoletest.Fault{Name: consoletest.Unauthorized, Path: "/users"})
	ends = append(ends, e.do(e.grant(seen, e.bob)))
	require.False(t, ends[3].Succeeded())

	texts := []string{e.output.String(), e.workerOutput.String(), e.histories()}
	for _, end := range ends {
		texts = append(texts, prototext.Format(end.Finished))
	}
	for _, r := range seen.Resources {
		texts = append(texts, prototext.Format(r))
	}
	for _, g := range seen.Grants {
		texts = append(texts, prototext.Format(g))
	}
	_, err := e.worker.Stop(limit)
	require.NoError(t, err)
	e.connector.Kill()
	texts = append(texts, e.databaseBytes()...)

	secret, key := e.c1.Secret()
	for _, text := range texts {
		for _, canary := range []string{tokenCanary, registrationCanary, secret, key} {
			require.NotContains(t, text, canary)
		}
	}
	all := strings.Join(texts, "")
	for _, there := range []string{e.ana.ID, "ana@example.com", "uploaded asset"} {
		require.Contains(t, all, there, "the search looks at real text")
	}
}

// histories are the events of all workflows of the stack.
func (e *c1Env) histories() string {
	e.t.Helper()
	got, err := e.client.ListWorkflow(e.ctx(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: `TaskQueue = "` + e.queue + `"`,
	})
	require.NoError(e.t, err)
	require.NotEmpty(e.t, got.GetExecutions())
	var out strings.Builder
	for _, r := range got.GetExecutions() {
		events := e.client.GetWorkflowHistory(e.ctx(), r.GetExecution().GetWorkflowId(), r.GetExecution().GetRunId(),
			false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(e.t, err)
			out.WriteString(event.String())
		}
	}
	return out.String()
}

// databaseBytes are the files of the store, but the key that seals the ledger.
func (e *c1Env) databaseBytes() []string {
	e.t.Helper()
	out, err := testbed.DatabaseText(e.database)
	require.NoError(e.t, err)
	return out
}
