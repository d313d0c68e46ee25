package e2e

import (
	"context"
	mathrand "math/rand/v2"
	"strings"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"sentinelone-provisioner/internal/wire"
)

// meddling is what somebody with the namespace does to a workflow.
type meddling func(*chaos, context.Context, *mathrand.Rand, *common.WorkflowExecution) (how string, err error)

// The server of these tests cannot pause workflows yet, only activities.
var allMeddlings = []meddling{
	(*chaos).terminateIt, (*chaos).resetIt, (*chaos).pauseItsActivity, (*chaos).unpauseItsActivity,
}

// meddle does something to one running request or writer.
func (c *chaos) meddle(ctx context.Context, chance *mathrand.Rand) {
	ctx, stop := context.WithTimeout(ctx, chaosCall)
	defer stop()
	all, err := c.openWorkflows(ctx)
	if err != nil || len(all) == 0 {
		return
	}
	at := all[chance.IntN(len(all))].GetExecution()
	if strings.HasPrefix(at.GetWorkflowId(), "grant/permanent-") && chance.IntN(8) > 0 {
		return // most of them stay as they are, so that it is known what must be there
	}
	how, err := c.o.meddles[chance.IntN(len(c.o.meddles))](c, ctx, chance, at)
	c.deeds.note("%s of %s: %v", how, at.GetWorkflowId(), err)
	if err == nil {
		c.deeds.tamper(at.GetWorkflowId(), how)
	}
}

// openWorkflows are the requests and writers that run.
func (c *chaos) openWorkflows(ctx context.Context) (out []*workflowpb.WorkflowExecutionInfo, err error) {
	list := &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: walkNamespace, PageSize: 1000,
		Query: "ExecutionStatus = 'Running' AND WorkflowType IN ('" + wire.GrantType + "', '" +
			wire.RevokeType + "', '" + wire.PrincipalType + "')",
	}
	for {
		page, err := c.client.ListWorkflow(ctx, list)
		if err != nil {
			return nil, err
		}
		out = append(out, page.GetExecutions()...)
		if list.NextPageToken = page.GetNextPageToken(); len(list.NextPageToken) == 0 {
			return out, nil
		}
	}
}

func (c *chaos) terminateIt(
	ctx context.Context, _ *mathrand.Rand, at *common.WorkflowExecution,
) (how string, err error) {
	return "termination", c.client.TerminateWorkflow(ctx, at.GetWorkflowId(), at.GetRunId(), "chaos")
}

// resetIt resets a workflow to any of its workflow tasks; messages since then are lost or kept.
func (c *chaos) resetIt(
	ctx context.Context, chance *mathrand.Rand, at *common.WorkflowExecution,
) (how string, err error) {
	var tasks []int64
	events := c.client.GetWorkflowHistory(ctx, at.GetWorkflowId(), at.GetRunId(), false,
		enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return "reset", err
		}
		if e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			tasks = append(tasks, e.GetEventId())
		}
	}
	if len(tasks) == 0 {
		return "no reset", nil
	}
	in := &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: walkNamespace, WorkflowExecution: at, Reason: "chaos",
		WorkflowTaskFinishEventId: tasks[chance.IntN(len(tasks))], RequestId: at.GetRunId(),
	}
	if chance.IntN(2) == 0 {
		in.ResetReapplyExcludeTypes = []enums.ResetReapplyExcludeType{
			enums.RESET_REAPPLY_EXCLUDE_TYPE_SIGNAL, enums.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE,
		}
	}
	_, err = c.client.ResetWorkflowExecution(ctx, in)
	return "reset", err
}

func (c *chaos) pauseItsActivity(
	ctx context.Context, chance *mathrand.Rand, at *common.WorkflowExecution,
) (how string, err error) {
	is, err := c.client.DescribeWorkflowExecution(ctx, at.GetWorkflowId(), at.GetRunId())
	pending := is.GetPendingActivities()
	if err != nil || len(pending) == 0 {
		return "no activity to pause", err
	}
	p := pending[chance.IntN(len(pending))]
	_, err = c.client.WorkflowService().PauseActivity(ctx, &workflowservice.PauseActivityRequest{
		Namespace: walkNamespace, Execution: at,
		Activity: &workflowservice.PauseActivityRequest_Id{Id: p.GetActivityId()},
	})
	return "pause of activity " + p.GetActivityType().GetName(), err
}

func (c *chaos) unpauseItsActivity(
	ctx context.Context, _ *mathrand.Rand, at *common.WorkflowExecution,
) (how string, err error) {
	is, err := c.client.DescribeWorkflowExecution(ctx, at.GetWorkflowId(), at.GetRunId())
	if err != nil {
		return "unpause of activities", err
	}
	return "unpause of activities", c.unpauseActivities(ctx, is)
}

func (c *chaos) unpauseActivities(ctx context.Context, is *workflowservice.DescribeWorkflowExecutionResponse) error {
	for _, p := range is.GetPendingActivities() {
		if !p.GetPaused() {
			continue
		}
		if _, err := c.client.WorkflowService().UnpauseActivity(ctx, &workflowservice.UnpauseActivityRequest{
			Namespace: walkNamespace, Execution: is.GetWorkflowExecutionInfo().GetExecution(),
			Activity: &workflowservice.UnpauseActivityRequest_Id{Id: p.GetActivityId()},
		}); err != nil {
			return err
		}
	}
	return nil
}
