package writers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

// Fault is what is wrong with the workflow under a writer's id, for programs and metrics.
type Fault string

// The faults.
const (
	// Foreign is another workflow than the principal's writer. It was terminated.
	Foreign Fault = "foreign"
	// Paused is a writer, or an activity of it, that somebody has paused. It goes on.
	Paused Fault = "paused"
	// Silent is a writer that no worker can continue, or whose activity waits for another time or task queue than
	// it would by itself. It was terminated.
	Silent Fault = "silent"
)

// Finding is what [Mend] has found and done; zero if nothing is wrong.
type Finding struct {
	Fault Fault
	// Text is a sentence for people, without a full stop: what was found, and what was done about it.
	Text string
}

// MendedMetric counts the writers that were mended, by fault.
const MendedMetric = "sentinelone_writers_mended"

// Count adds the finding to [MendedMetric].
func (f Finding) Count(metrics client.MetricsHandler) {
	if f.Fault != "" {
		metrics.WithTags(map[string]string{"fault": string(f.Fault)}).Counter(MendedMetric).Inc(1)
	}
}

const (
	// silence is how long a workflow task may wait before its writer counts as silent.
	silence = time.Minute
	// furthestRetry is longer than any pause between two attempts of our activities.
	furthestRetry = 15 * time.Minute
	// answerWithin bounds the status query, which a worker answers.
	answerWithin = 5 * time.Second
)

// processStart bounds since when a workflow task can have waited for this process: a worker that comes back after an
// outage finds old tasks, and takes them.
var processStart = time.Now()

// Mend looks at the workflow that runs under a writer's id, once that has not answered. What is paused goes on; what
// is not the writer, or cannot continue, is terminated, so that the next change starts the writer anew: it knows from
// the ledger what it must know. A writer that is well, or not running, is left alone.
//
// The errors are Temporal's.
func Mend(ctx context.Context, temporal client.Client, namespace string, w wire.Writer) (Finding, error) {
	return newMender(temporal, namespace, w).mend(ctx)
}

// MendSuspect is [Mend] after an answer that is not the writer's: it asks whose writer it is also while that is busy.
func MendSuspect(ctx context.Context, temporal client.Client, namespace string, w wire.Writer) (Finding, error) {
	m := newMender(temporal, namespace, w)
	m.suspect = true
	return m.mend(ctx)
}

func newMender(temporal client.Client, namespace string, w wire.Writer) mender {
	return mender{temporal: temporal, namespace: namespace, writer: w, now: time.Now, since: processStart}
}

type mender struct {
	temporal  client.Client
	namespace string
	writer    wire.Writer
	now       func() time.Time
	since     time.Time // from when on a task can have waited for us
	suspect   bool      // it may be the writer of another principal
}

func (m mender) mend(ctx context.Context) (Finding, error) {
	is, err := m.temporal.DescribeWorkflowExecution(ctx, m.writer.WorkflowID, "")
	if isNotFound(err) {
		return Finding{}, nil
	}
	if err != nil {
		return Finding{}, err
	}
	info := is.GetWorkflowExecutionInfo()
	if status := info.GetStatus(); status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING &&
		status != enums.WORKFLOW_EXECUTION_STATUS_PAUSED {
		return Finding{}, nil
	}
	if what := m.foreign(info); what != "" {
		return m.terminate(ctx, info, Foreign, what)
	}
	if found, err := m.unpause(ctx, is); err != nil || found.Fault != "" {
		return found, err
	}
	if what := m.silent(is); what != "" {
		return m.terminate(ctx, info, Silent, what)
	}
	// It works on a change, which checks whose it is, or waits for a worker, which a query would wait for as well. Both
	// can be kept up: by signals without end, or by a change of another principal that is tried again and again.
	if (len(is.GetPendingActivities()) > 0 || is.GetPendingWorkflowTask() != nil) && !m.suspect && !m.stuck(is) {
		return Finding{}, nil
	}
	if what := m.otherPrincipal(ctx, info); what != "" {
		return m.terminate(ctx, info, Foreign, what)
	}
	return Finding{}, nil
}

// stuckAfter is after how many attempts an activity of the writer does not get on.
const stuckAfter = 3

// stuck says that the writer works on a change that is tried again and again.
func (mender) stuck(is *workflowservice.DescribeWorkflowExecutionResponse) bool {
	return slices.ContainsFunc(is.GetPendingActivities(), func(a *workflowpb.PendingActivityInfo) bool {
		return a.GetAttempt() > stuckAfter
	})
}

// foreign says what runs in the writer's place; "" if it is the writer.
func (m mender) foreign(info *workflowpb.WorkflowExecutionInfo) string {
	if kind := info.GetType().GetName(); kind != m.writer.WorkflowType {
		return fmt.Sprintf("it is a workflow of type %s", kind)
	}
	if queue := info.GetTaskQueue(); queue != m.writer.TaskQueue {
		return fmt.Sprintf("it runs on task queue %s instead of %s", queue, m.writer.TaskQueue)
	}
	return ""
}

// otherPrincipal says whose writer it is, if it is another principal's. A writer that does not answer now may be busy.
func (m mender) otherPrincipal(ctx context.Context, info *workflowpb.WorkflowExecutionInfo) string {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	run := info.GetExecution()
	answer, err := m.temporal.QueryWorkflow(ctx, run.GetWorkflowId(), run.GetRunId(), wire.StatusQuery)
	if err != nil {
		return ""
	}
	var status wire.PrincipalStatus
	if err := answer.Get(&status); err != nil || status.WriterStart == m.writer.Start {
		return ""
	}
	return fmt.Sprintf("it is the writer of %s %s on %s", status.Kind, status.ID, status.Console)
}

// unpause continues the writer and its activities, if somebody has paused them.
func (m mender) unpause(
	ctx context.Context, is *workflowservice.DescribeWorkflowExecutionResponse,
) (found Finding, err error) {
	run := is.GetWorkflowExecutionInfo().GetExecution()
	if is.GetWorkflowExtendedInfo().GetPauseInfo() != nil {
		_, err := m.temporal.WorkflowService().UnpauseWorkflowExecution(ctx,
			&workflowservice.UnpauseWorkflowExecutionRequest{
				Namespace: m.namespace, WorkflowId: run.GetWorkflowId(), RunId: run.GetRunId(),
				Reason: "the writer of a principal must not stay paused",
			})
		if err != nil {
			return found, err
		}
		found = m.paused("it")
	}
	for _, a := range is.GetPendingActivities() {
		if !a.GetPaused() {
			continue
		}
		_, err := m.temporal.WorkflowService().UnpauseActivity(ctx, &workflowservice.UnpauseActivityRequest{
			Namespace: m.namespace, Execution: run,
			Activity: &workflowservice.UnpauseActivityRequest_Id{Id: a.GetActivityId()},
		})
		if err != nil && !isNotFound(err) { // it may have ended meanwhile
			return found, err
		}
		found = m.paused("its activity " + a.GetActivityType().GetName())
	}
	return found, nil
}

func (m mender) paused(what string) Finding {
	return Finding{Fault: Paused, Text: fmt.Sprintf(
		"the writer %s did not answer: %s was paused and goes on", m.writer.WorkflowID, what)}
}

// silent says why the writer cannot continue by itself; "" if it can.
func (m mender) silent(is *workflowservice.DescribeWorkflowExecutionResponse) string {
	if task := is.GetPendingWorkflowTask(); task != nil {
		waits := task.GetOriginalScheduledTime().AsTime()
		if waits.Before(m.since) {
			waits = m.since
		}
		if waited := m.now().Sub(waits); waited >= silence {
			return fmt.Sprintf("no worker could continue it for %s (attempt %d)",
				waited.Truncate(time.Second), task.GetAttempt())
		}
	}
	for _, a := range is.GetPendingActivities() {
		queue := a.GetActivityOptions().GetTaskQueue().GetName()
		next := a.GetNextAttemptScheduleTime()
		switch name := a.GetActivityType().GetName(); {
		case queue != "" && queue != wire.WriteQueue(m.writer.TaskQueue):
			return fmt.Sprintf("its activity %s waits on task queue %s", name, queue)
		case next != nil && next.AsTime().Sub(m.now()) > furthestRetry:
			return fmt.Sprintf("its activity %s is not tried again before %s", name,
				next.AsTime().UTC().Format(time.RFC3339))
		}
	}
	return ""
}

// terminate ends the run that was looked at, and no other.
func (m mender) terminate(
	ctx context.Context, info *workflowpb.WorkflowExecutionInfo, fault Fault, what string,
) (Finding, error) {
	run := info.GetExecution()
	found := Finding{Fault: fault, Text: fmt.Sprintf("the workflow %s did not answer as the writer of its principal: "+
		"%s; it was terminated, and the writer starts anew", run.GetWorkflowId(), what)}
	err := m.temporal.TerminateWorkflow(ctx, run.GetWorkflowId(), run.GetRunId(), "not the writer of its principal, "+
		"or unable to go on: "+what)
	if isNotFound(err) { // it has ended by itself
		return Finding{}, nil
	}
	if err != nil {
		return Finding{}, err
	}
	return found, nil
}

func isNotFound(err error) bool {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	return missing
}
