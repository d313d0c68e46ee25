package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// statusCommand shows how far one sync is.
type statusCommand struct {
	*app

	id string // --id
}

func newStatusCommand(a *app) *cobra.Command {
	c := &statusCommand{app: a}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of the connection, and of a sync",
		Long: `Show the connection to the console in one word, Syncing, Connected, Degraded or Disconnected,
and what that rests on: each rung with its evidence and the age of it. The worker checks the
connection every few minutes; an old check is never called Connected.

Then show the progress of a sync, or the result of the last one: each collection, what it is
waiting for, and why it is quarantined, if it is. Details come from a worker; without one
only Temporal's view is shown, and the result of a sync that has ended.`,
		Example: `  starter status
  starter status --id nightly -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.id, "id", "", "workflow id (default sync/<console>)")
	return cmd
}

// statusAnswer is the output for programs.
type statusAnswer struct {
	// Report is the state of the connection, as at the worker's /status; nil where the console or the database
	// is not known.
	*connection.Report

	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
	// Execution is Temporal's own view: running, completed, failed, …
	Execution string `json:"execution"`
	// Status is null when no worker answers; Note says so.
	Status *wire.SyncStatus `json:"status"`
	Note   string           `json:"note,omitempty"`
	Error  string           `json:"error,omitempty"` // why it failed
	// Result is how it ended; null while it runs and when it failed. Unlike Status
	// it is known without a worker.
	Result *wire.SyncResult `json:"result,omitempty"`
	// Drift is what the ledger does not explain, by the database; absent where that cannot say.
	Drift *store.DriftSummary `json:"drift,omitempty"`

	drift string // in a few words
}

func (c *statusCommand) execute(ctx context.Context) error {
	id, err := c.syncID(c.id)
	if err != nil {
		return err
	}
	evidence, host := c.connectionEvidence(ctx)
	e, err := c.connect(ctx)
	if err != nil {
		return errors.Join(c.emitConnection(evidence), err)
	}
	defer e.Close()
	answer, err := e.statusAnswer(ctx, id)
	if err != nil {
		return errors.Join(c.emitConnection(evidence), err)
	}
	answer.Report = c.judgeConnection(evidence, host, answer)
	answer.drift, answer.Drift = c.driftLine(ctx)
	if c.output.json {
		return c.emitJSON(answer)
	}
	c.print(answer)
	return nil
}

func (e *temporalClient) statusAnswer(ctx context.Context, id string) (statusAnswer, error) {
	described, err := e.DescribeWorkflowExecution(ctx, id, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return statusAnswer{}, fmt.Errorf("there is no sync %q in namespace %q: "+
			"start it with `starter sync`, or name another with --id", id, e.Options.Namespace)
	}
	if err != nil {
		return statusAnswer{}, e.Explain(err)
	}
	info := described.GetWorkflowExecutionInfo()
	run := startedRun{WorkflowID: id, RunID: info.GetExecution().GetRunId()}
	a := statusAnswer{WorkflowID: id, RunID: run.RunID, Execution: executionText(info)}
	if status, err := e.SyncStatus(ctx, run); err != nil {
		a.Note = e.NoAnswer(ctx, info, err)
	} else {
		a.Status = &status
	}
	if temporalclient.Closed(info) {
		var result wire.SyncResult
		if err := e.GetWorkflow(ctx, id, run.RunID).Get(ctx, &result); err != nil {
			a.Error = reason(err).Error()
		} else {
			a.Result = &result
		}
	}
	return a, nil
}

func executionText(info *workflowpb.WorkflowExecutionInfo) string {
	switch info.GetStatus() {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return "running"
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return "completed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:
		return "failed"
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return "cancelled"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	default:
		return info.GetStatus().String()
	}
}

func (c *statusCommand) print(a statusAnswer) {
	if a.Report != nil {
		c.printConnection(*a.Report)
		writef(c.out, "\n")
	}
	facts := [][]string{{"sync", a.WorkflowID}, {"run", a.RunID}, {"execution", a.Execution}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, []string{name, value})
		}
	}
	s := a.Status
	if s != nil {
		add("state", s.State)
		add("waiting", s.Waiting)
		add("started", fmt.Sprintf("%s (%s)", describe.Minute(s.StartedAt), describe.Ago(s.StartedAt, c.now())))
		if s.TokenExpiresAt != nil {
			add("token until", describe.Minute(*s.TokenExpiresAt))
		}
	}
	add("drift", a.drift)
	add("error", a.Error)
	add("note", a.Note)
	c.emitTable(nil, facts)
	if s == nil {
		c.printResult(a)
		return
	}
	fmt.Fprintln(c.out)
	c.emitTable([]string{"collection", "state", "rows", "expected", "pages", "walk", "waiting"}, collectionRows(*s))
	if s.Quarantine != nil && s.Quarantine.Decision == "" && s.Result == nil && a.Error == "" {
		fmt.Fprintln(c.out)
		c.explainQuarantine(a.WorkflowID, *s.Quarantine)
	}
	if a.Result != nil {
		c.printResult(a)
		return
	}
	for _, w := range s.Warnings {
		c.remark("warning: %s", w)
	}
}

// printResult tells how a sync ended, if it did and did not fail.
func (c *statusCommand) printResult(a statusAnswer) {
	if a.Result == nil {
		return
	}
	fmt.Fprintln(c.out)
	c.conclude(startedRun{WorkflowID: a.WorkflowID}, pendingObservation{over: true, result: a.Result})
}

func collectionRows(s wire.SyncStatus) [][]string {
	var rows [][]string
	for _, c := range access.Collections() {
		status, ok := s.Collections[string(c)]
		if !ok {
			continue
		}
		expected := ""
		if status.Expected != nil {
			expected = strconv.Itoa(*status.Expected)
		}
		rows = append(rows, []string{
			string(c), status.State, strconv.Itoa(status.Rows), expected,
			strconv.Itoa(status.Pages), strconv.Itoa(status.Attempt), status.Waiting,
		})
	}
	return rows
}

// countRows lists counts in the order of collections, what is none of them last.
func countRows(counts map[string]int) [][]string {
	order := map[string]int{}
	for i, c := range access.Collections() {
		order[string(c)] = i + 1
	}
	last := len(order) + 1
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(cmp.Or(order[a], last), cmp.Or(order[b], last)), cmp.Compare(a, b))
	})
	rows := make([][]string, len(names))
	for i, name := range names {
		rows[i] = []string{name, strconv.Itoa(counts[name])}
	}
	return rows
}
