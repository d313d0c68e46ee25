package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"go.temporal.io/api/command/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"sentinelone-provisioner/internal/wire"
)

const walkNamespace = "default"

// adversary is one move of the adversary. Each first looks at one more workflow.
func (w *walk) adversary(ctx context.Context, chance *rand.Rand) {
	ctx, stop := context.WithTimeout(ctx, walkCall)
	defer stop()
	all := w.known(ctx)
	if len(all) == 0 {
		return
	}
	x := all[chance.IntN(len(all))]
	w.observe(ctx, x)
	if open := w.running(ctx); len(open) > 0 {
		x = open[chance.IntN(len(open))]
		w.observe(ctx, x)
	}
	switch n := chance.IntN(100); {
	case n < 25:
		w.moveUpdate(ctx, chance, x)
	case n < 35:
		w.moveChange(ctx, chance)
	case n < 45:
		w.moveStart(ctx, chance, x)
	case n < 65:
		w.moveActivity(ctx, chance, x)
	case n < 75:
		w.movePending(ctx, chance, x)
	case n < 80:
		w.moveStealActivity(ctx, chance)
	case n < 84:
		w.moveStealWorkflow(ctx, chance)
	case n < 90:
		w.moveReset(ctx, chance, x)
	case n < 93:
		w.deeds.note("adversary cancels %s: %v", x.id, w.client.CancelWorkflow(ctx, x.id, ""))
	case n < 96:
		w.deeds.tamper(x.id, "terminated")
		w.deeds.note("adversary terminates %s: %v", x.id, w.client.TerminateWorkflow(ctx, x.id, "", ""))
	default:
		name, in := w.seen.one(chance, "update ")
		w.deeds.note("adversary signals %s %s: %v", name, x.id, w.client.SignalWorkflow(ctx, x.id, "", name, in))
	}
}

// moveUpdate sends an update that was seen, or one that is like it, to any workflow.
func (w *walk) moveUpdate(ctx context.Context, chance *rand.Rand, x execution) {
	name, in := w.seen.one(chance, "update ")
	if name == "" {
		return
	}
	names := []string{
		name, name, wire.ApproveUpdate, wire.DenyUpdate, wire.CancelUpdate, wire.EndUpdate, wire.ExtendUpdate,
		wire.ChangeUpdate,
	}
	name = names[chance.IntN(len(names))]
	w.deeds.note("adversary sends %s to %s: %s: %v", name, x.id, in, w.send(ctx, x.id, name, in))
}

// moveChange sends a change to the writer of a user, under the usual id or one of its own.
func (w *walk) moveChange(ctx context.Context, chance *rand.Rand) {
	_, in := w.seen.one(chance, "update change")
	if in == nil {
		return
	}
	user := w.users[chance.IntN(len(w.users))]
	who := wire.WriterStart{Console: w.consoleKey(), Kind: user.Kind, ID: user.ID}
	id := wire.PrincipalID(who.Console, who.Kind, who.ID)
	if chance.IntN(2) == 0 {
		id += fmt.Sprintf("/own-%d", chance.IntN(3))
	}
	_, err := w.client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: w.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID: id, TaskQueue: w.signedEnv.queue,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, wire.PrincipalType, who),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: wire.ChangeUpdate, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageAccepted,
		},
	})
	w.deeds.note("adversary sends change to %s: %s: %v", id, in, err)
}

// moveStart starts a workflow of ours from an input that was seen, under a new id or one
// that is taken.
func (w *walk) moveStart(ctx context.Context, chance *rand.Rand, x execution) {
	kind, in := w.seen.one(chance, "start ")
	if kind == "" || kind == forgeType {
		return
	}
	id, conflict := fmt.Sprintf("%s/own-%d", w.t.Name(), chance.IntN(1000)), enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	if chance.IntN(3) == 0 {
		id = x.id
		if chance.IntN(4) == 0 {
			conflict = enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
			w.deeds.tamper(id, "started anew")
		}
	}
	_, err := w.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: w.signedEnv.queue, WorkflowIDConflictPolicy: conflict,
	}, kind, in)
	w.deeds.note("adversary starts %s as %s: %s: %v", kind, id, in, err)
}

// moveActivity runs an activity of ours from a workflow of the adversary, under an id of its
// own or in the place of a request's workflow.
func (w *walk) moveActivity(ctx context.Context, chance *rand.Rand, x execution) {
	name, in := w.seen.one(chance, "activity ")
	if name == "" {
		return
	}
	queue := w.signedEnv.queue
	if chance.IntN(2) == 0 {
		queue = wire.WriteQueue(queue)
	}
	id := fmt.Sprintf("%s/forge-%d", w.t.Name(), chance.IntN(1000))
	conflict := enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	if chance.IntN(5) == 0 {
		id, conflict = x.id, enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
		w.deeds.tamper(id, "replaced")
	}
	_, err := w.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: w.queue, WorkflowIDConflictPolicy: conflict,
	}, forgeType, forgedCall{Activity: name, Queue: queue, Input: in})
	w.deeds.note("adversary runs %s on %s as %s: %s: %v", name, queue, id, in, err)
}

// movePending completes, fails, pauses or unpauses an activity that is under way.
func (w *walk) movePending(ctx context.Context, chance *rand.Rand, x execution) {
	is, err := w.client.DescribeWorkflowExecution(ctx, x.id, x.run)
	if err != nil || len(is.GetPendingActivities()) == 0 {
		return
	}
	all := is.GetPendingActivities()
	p := all[chance.IntN(len(all))]
	name, activity := p.GetActivityType().GetName(), p.GetActivityId()
	at := &common.WorkflowExecution{WorkflowId: x.id, RunId: x.run}
	how := []string{"completed", "failed", "paused", "unpaused"}[chance.IntN(4)]
	w.deeds.tamper(x.id, name+" "+how)
	switch how {
	case "completed":
		_, forged := w.seen.one(chance, "done "+name)
		if forged == nil {
			forged = json.RawMessage(`{}`)
		}
		err = w.client.CompleteActivityByID(ctx, walkNamespace, x.id, x.run, activity, forged, nil)
	case "failed":
		err = w.client.CompleteActivityByID(ctx, walkNamespace, x.id, x.run, activity, nil, context.Canceled)
	case "paused":
		_, err = w.client.WorkflowService().PauseActivity(ctx, &workflowservice.PauseActivityRequest{
			Namespace: walkNamespace, Execution: at, Activity: &workflowservice.PauseActivityRequest_Id{Id: activity},
		})
	case "unpaused":
		_, err = w.client.WorkflowService().UnpauseActivity(ctx, &workflowservice.UnpauseActivityRequest{
			Namespace: walkNamespace, Execution: at, Activity: &workflowservice.UnpauseActivityRequest_Id{Id: activity},
		})
	}
	w.deeds.note("adversary: %s of %s %s: %v", name, x.id, how, err)
}

// moveStealActivity takes a task that is for our worker, and answers it.
func (w *walk) moveStealActivity(ctx context.Context, chance *rand.Rand) {
	queue := w.signedEnv.queue
	if chance.IntN(2) == 0 {
		queue = wire.WriteQueue(queue)
	}
	service := w.client.WorkflowService()
	task, err := service.PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
		Namespace: walkNamespace, TaskQueue: &taskqueue.TaskQueue{Name: queue}, Identity: "adversary",
	})
	if err != nil || len(task.GetTaskToken()) == 0 {
		return
	}
	name := task.GetActivityType().GetName()
	w.deeds.tamper(task.GetWorkflowExecution().GetWorkflowId(), name+" stolen")
	_, forged := w.seen.one(chance, "done "+name)
	if forged == nil {
		forged = json.RawMessage(`{}`)
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), walkCall) // the poll has used up the other one
	defer stop()
	_, err = service.RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
		Namespace: walkNamespace, TaskToken: task.GetTaskToken(), Result: payloadOf(forged),
	})
	w.deeds.note("adversary steals %s of %s and answers %s: %v",
		name, task.GetWorkflowExecution().GetWorkflowId(), forged, err)
}

func payloadOf(text json.RawMessage) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{
		Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: text,
	}}}
}

// moveStealWorkflow takes a workflow task that is for our worker, and has the request's own
// workflow run any activity.
func (w *walk) moveStealWorkflow(ctx context.Context, chance *rand.Rand) {
	service := w.client.WorkflowService()
	task, err := service.PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
		Namespace: walkNamespace, TaskQueue: &taskqueue.TaskQueue{Name: w.signedEnv.queue}, Identity: "adversary",
	})
	if err != nil || len(task.GetTaskToken()) == 0 {
		return
	}
	id := task.GetWorkflowExecution().GetWorkflowId()
	w.deeds.tamper(id, "workflow task stolen")
	name, in := w.seen.one(chance, "activity ")
	if name == "" {
		return
	}
	queue := w.signedEnv.queue
	if name == wire.WriteActivity || name == wire.ConfirmActivity {
		queue = wire.WriteQueue(queue)
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), walkCall)
	defer stop()
	_, err = service.RespondWorkflowTaskCompleted(ctx, &workflowservice.RespondWorkflowTaskCompletedRequest{
		Namespace: walkNamespace, TaskToken: task.GetTaskToken(),
		Commands: []*command.Command{{
			CommandType: enums.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
			Attributes: &command.Command_ScheduleActivityTaskCommandAttributes{
				ScheduleActivityTaskCommandAttributes: &command.ScheduleActivityTaskCommandAttributes{
					ActivityId:   fmt.Sprint("stolen-", chance.IntN(1_000_000)),
					ActivityType: &common.ActivityType{Name: name},
					TaskQueue:    &taskqueue.TaskQueue{Name: queue}, Input: payloadOf(in),
					ScheduleToCloseTimeout: durationpb.New(10 * time.Second),
					StartToCloseTimeout:    durationpb.New(10 * time.Second),
				},
			},
		}},
	})
	w.deeds.note("adversary has %s itself run %s: %s: %v", id, name, in, err)
}

// moveReset resets a workflow to any of its workflow tasks.
func (w *walk) moveReset(ctx context.Context, chance *rand.Rand, x execution) {
	var tasks []int64
	events := w.client.GetWorkflowHistory(ctx, x.id, x.run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return
		}
		if e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			tasks = append(tasks, e.GetEventId())
		}
	}
	if len(tasks) == 0 {
		return
	}
	to := tasks[chance.IntN(len(tasks))]
	w.deeds.tamper(x.id, "reset")
	_, err := w.client.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: walkNamespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: x.id, RunId: x.run},
		WorkflowTaskFinishEventId: to, RequestId: fmt.Sprint(chance.Uint64()), Reason: "walk",
	})
	w.deeds.note("adversary resets %s to event %d: %v", x.id, to, err)
}
