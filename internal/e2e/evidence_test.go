package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// Bounds of what a failed test tells.
const (
	mostLines = 60  // of each part: the newest ones
	mostBytes = 900 // of each line
)

// requireEnded compares the state in which a request has ended. A failure tells how it came to that, since the server
// and the database are gone once the test is over.
func (r *grantEnv) requireEnded(want string, got wire.RequestResult, run client.WorkflowRun) {
	r.t.Helper()
	if got.State == want {
		return
	}
	require.Equal(r.t, want, got.State, "%s: %s\n%s", run.GetID(), got.Message, r.evidence(run))
}

// evidence is what is known of a request: its history, that of the principal's writer until the request ended, its
// entries of the ledger, and what the worker logged of it.
func (r *grantEnv) evidence(run client.WorkflowRun) string {
	r.t.Helper()
	own := r.eventsOf(run.GetID(), run.GetRunID())
	ended := time.Now()
	if len(own) > 0 {
		ended = own[len(own)-1].GetEventTime().AsTime()
	}
	entries, err := r.openStore().LedgerOf(r.ctx(), r.consoleKey(), run.GetID())
	require.NoError(r.t, err)
	var ledgerLines, logged []string
	for _, e := range entries {
		ledgerLines = append(ledgerLines, toJSON(r.t, e))
	}
	for line := range strings.Lines(r.workerOutput.String()) {
		if strings.Contains(line, run.GetID()+`"`) {
			logged = append(logged, strings.TrimSpace(line))
		}
	}
	var out strings.Builder
	part := func(title string, lines []string) {
		fmt.Fprintf(&out, "--- %s: %d lines\n%s\n", title, len(lines), strings.Join(newest(lines), "\n"))
	}
	part("history of "+run.GetID(), eventLines(r.t, own))
	part("history of the writer", eventLines(r.t, r.writerEvents(ended)))
	part("ledger of the request", ledgerLines)
	part("log of the worker about it", logged)
	return out.String()
}

// writerEvents are the events of all runs of the user's writer until then, in their order.
func (r *grantEnv) writerEvents(until time.Time) (out []*historypb.HistoryEvent) {
	r.t.Helper()
	runs, err := r.writerRuns()
	require.NoError(r.t, err)
	for _, run := range slices.Backward(runs) { // the newest is the first
		for _, e := range r.eventsOf(run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId()) {
			if !e.GetEventTime().AsTime().After(until) {
				out = append(out, e)
			}
		}
	}
	return out
}

// writerRuns lists the runs of the user's writer, the newest first. A new one is listed a moment after its start.
func (r *grantEnv) writerRuns() ([]*workflowpb.WorkflowExecutionInfo, error) {
	id := wire.PrincipalID(r.consoleKey(), access.User, r.user.ID)
	runs, err := r.client.ListWorkflow(r.ctx(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: fmt.Sprintf("WorkflowId = %q", id),
	})
	return runs.GetExecutions(), err
}

func (s *stack) eventsOf(id, run string) (out []*historypb.HistoryEvent) {
	s.t.Helper()
	events := s.client.GetWorkflowHistory(s.ctx(), id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		require.NoError(s.t, err)
		out = append(out, e)
	}
	return out
}

// eventLines are events as JSON, with readable payloads, without those that say nothing.
func eventLines(t *testing.T, events []*historypb.HistoryEvent) (out []string) {
	t.Helper()
	readable := temporalproto.CustomJSONMarshalOptions{
		Metadata: map[string]any{commonpb.EnablePayloadShorthandMetadataKey: true},
	}
	for _, e := range events {
		switch e.GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
			continue
		default:
		}
		text, err := readable.Marshal(e)
		require.NoError(t, err)
		out = append(out, string(text))
	}
	return out
}

func newest(lines []string) (out []string) {
	for _, line := range lines[max(0, len(lines)-mostLines):] {
		out = append(out, line[:min(len(line), mostBytes)])
	}
	return out
}

// What a failed test tells of a request names its events, its proof and its receipt.
func TestEvidence(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, consoletest.Options{Seed: 3, Users: -1}))
	s.startWorker()
	run := s.startGrant("", s.input(""))
	s.requireEnded(wire.StateGranted, s.result(run), run)
	require.Eventually(t, func() bool {
		runs, err := s.writerRuns()
		return err == nil && len(runs) > 0
	}, time.Minute, 50*time.Millisecond)
	got := s.evidence(run)
	require.Contains(t, got, "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED")
	require.Contains(t, got, `"requester":"bob@example.com"`)
	require.Contains(t, got, "Principal.Write")
	require.Contains(t, got, `"kind":"receipt"`)
	require.NotContains(t, got, ": 0 lines")
}
