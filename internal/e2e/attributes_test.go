package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

func listRequest(query string) *workflowservice.ListWorkflowExecutionsRequest {
	return &workflowservice.ListWorkflowExecutionsRequest{Query: query}
}

// newApprovalEnvOnOwnServer has a Temporal server of its own. No worker is started.
func newApprovalEnvOnOwnServer(t *testing.T) *grantEnv {
	t.Helper()
	server, err := testbed.StartDevServer(t.Context(), "")
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	r := prepareGrantEnv(t, newStackOn(t, server, grantworld.Options()))
	r.setPolicy(twoOfThreeLeadsPolicy)
	return r
}

// untilFound waits until a query finds exactly one workflow, and returns it.
func (r *grantEnv) untilFound(query string) *workflowpb.WorkflowExecutionInfo {
	r.t.Helper()
	var out *workflowpb.WorkflowExecutionInfo
	require.EventuallyWithT(r.t, func(c *assertT) {
		list, err := r.client.ListWorkflow(r.ctx(), listRequest(query))
		require.NoError(c, err)
		require.Len(c, list.GetExecutions(), 1)
		out = list.GetExecutions()[0]
	}, limit, 100*time.Millisecond, query)
	return out
}

// ourAttributes are the values of our own search attributes of a workflow.
func ourAttributes(t *testing.T, found *workflowpb.WorkflowExecutionInfo) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, payload := range found.GetSearchAttributes().GetIndexedFields() {
		if strings.HasPrefix(name, "SentinelOne") {
			out[name] = decodeText(t, payload)
		}
	}
	return out
}

func decodeText(t *testing.T, p *commonpb.Payload) string {
	t.Helper()
	var text string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(p, &text))
	return text
}

// The worker registers our search attributes with an empty server. Requests are then found
// by state, and no attribute names a person or a reason.
func TestAttributes_RequestsAreFoundByState(t *testing.T) {
	t.Parallel()
	s := newApprovalEnvOnOwnServer(t)
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "Search attributes added", 1))
	_, err := s.worker.Stop(stopGrace)
	require.NoError(t, err)
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), "Search attributes are registered", 1))

	run := s.startGrant("1", s.input(""))
	status := s.untilStatus(run, isAwaitingApproval)
	found := s.untilFound(`SentinelOneState="awaitingApproval"`)
	require.Equal(t, run.GetID(), found.GetExecution().GetWorkflowId())
	got := ourAttributes(t, found)
	deadline, err := time.Parse(time.RFC3339Nano, got["SentinelOneDeadline"])
	require.NoError(t, err)
	require.WithinDuration(t, status.Approval.Until, deadline, time.Millisecond)
	delete(got, "SentinelOneDeadline")
	require.Equal(t, map[string]string{
		"SentinelOneState": "awaitingApproval", "SentinelOneKind": "grant", "SentinelOneRoleId": s.requested.RoleID,
		"SentinelOneConsole": s.consoleKey(),
	}, got)
	s.untilFound(fmt.Sprintf(`SentinelOneDeadline < %q AND SentinelOneConsole=%q`,
		time.Now().Add(2*time.Hour).UTC().Format(time.RFC3339), s.consoleKey()))

	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := s.decide(run, "approve", by)
		require.NoError(t, err)
	}
	require.Equal(t, wire.StateGranted, s.result(run).State)
	found = s.untilFound(`SentinelOneState="granted"`)
	require.NotContains(t, ourAttributes(t, found), "SentinelOneDeadline", "it waits for nothing any more")
	for name, payload := range found.GetSearchAttributes().GetIndexedFields() {
		for _, word := range []string{"@", "ana", "bob", "carol", "INC-42"} {
			require.NotContains(t, string(payload.GetData()), word, name)
		}
	}
}

// If the server has no free search attributes, requests work all the same, and the log says
// once what is missing.
func TestAttributes_ServerWithoutFreeAttributes(t *testing.T) {
	t.Parallel()
	s := newApprovalEnvOnOwnServer(t)
	full := map[string]enumspb.IndexedValueType{}
	for i := range 10 { // as many keywords as a dev server has room for
		full[fmt.Sprint("Other", i)] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	_, err := s.client.OperatorService().AddSearchAttributes(s.ctx(),
		&operatorservice.AddSearchAttributesRequest{Namespace: "default", SearchAttributes: full})
	require.NoError(t, err)
	const missing = "Requests cannot be listed by state"
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), missing, 1))

	for _, name := range []string{"1", "2"} {
		r := s.withUser(name + "@example.com")
		run := r.startGrant(name, r.input(""))
		r.approveByBothLeads(run)
		require.Equal(t, wire.StateGranted, r.result(run).State)
		require.True(t, r.holdings().Holds(r.requested))
	}
	said := s.workerOutput.String()
	require.Equal(t, 1, strings.Count(said, missing))
	require.Contains(t, said, "make search-attributes")
	require.Contains(t, said,
		"SentinelOneState, SentinelOneKind, SentinelOneRoleId, SentinelOneConsole, "+
			"SentinelOneDeadline, SentinelOnePending")
}

// Temporal's own tools show a summary of a request, what it is waiting for, and the purpose
// of each step in its history.
func TestAttributes_ReadsLikeATicket(t *testing.T) {
	t.Parallel()
	s := newApprovalEnv(t)
	id := wire.GrantID("ticket-" + s.queue)
	got := s.starter("grant", "--user", s.user.ID, "--role", s.requested.RoleID, "--scope", s.requested.ScopeID,
		"--level", "site", "--for", "1h", "--id", id, "--requester", "bob@example.com", "--wait=false")
	require.Zero(t, got.code, got.stderr)
	run := s.client.GetWorkflow(s.ctx(), id, "")
	s.untilStatus(run, isAwaitingApproval)
	_, err := s.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)

	described, err := s.client.DescribeWorkflow(s.ctx(), id, "")
	require.NoError(t, err)
	summary, err := described.GetStaticSummary()
	require.NoError(t, err)
	require.Equal(t, "grant for 1h at site level", summary)
	require.Regexp(t, `^\*\*awaitingApproval\*\*, waiting for 1 of 2 from leads until 20\d\d-\S+ \S+ UTC$`,
		s.currentDetails(run))

	_, err = s.decide(run, "approve", "dave@example.com")
	require.NoError(t, err)
	s.untilStatus(run, func(got wire.RequestStatus) bool { return got.State == wire.StateActive })
	require.Regexp(t, `^\*\*active\*\*, waiting for its end at 20\d\d-\S+ \S+ UTC$`, s.currentDetails(run))
	s.update(run, wire.EndUpdate, wire.StopInput{By: "bob@example.com"})
	require.Equal(t, wire.StateEnded, s.result(run).State)
	require.Equal(t, "**ended**", s.currentDetails(run))

	named := map[string]bool{}
	for _, e := range history(s.stack, id).Events {
		if e.GetActivityTaskScheduledEventAttributes() == nil && e.GetTimerStartedEventAttributes() == nil {
			continue
		}
		text := decodeText(t, e.GetUserMetadata().GetSummary())
		require.NotEmpty(t, text, "%s", e)
		named[text] = true
	}
	require.Subset(t, named, map[string]bool{
		"plan": true, "time to decide": true, "approve": true, "acquire": true, "end of the grant": true,
		"release": true,
	})
}

// currentDetails are the details of a workflow that Temporal's UI shows.
func (r *grantEnv) currentDetails(run client.WorkflowRun) string {
	r.t.Helper()
	value, err := r.client.QueryWorkflow(r.ctx(), run.GetID(), "", "__temporal_workflow_metadata")
	require.NoError(r.t, err)
	var meta sdkpb.WorkflowMetadata
	require.NoError(r.t, value.Get(&meta))
	return meta.GetCurrentDetails()
}
