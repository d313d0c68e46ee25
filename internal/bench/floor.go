package main

// The floor is the lower bound for a grant: the cost in Temporal of one writer per principal, with
// empty activities. A request runs one activity, then one that sends an update-with-start to the
// principal's workflow, which runs one activity on the queue for writes.

import (
	"context"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Names of the workflows, the update and the activities of the floor.
const (
	floorRequest   = "FloorRequest"
	floorPrincipal = "FloorPrincipal"
	floorChange    = "change"
	floorPlan      = "Floor.Plan"
	floorApply     = "Floor.Apply"
	floorWrite     = "Floor.Write"
)

// floorInput names the principal's workflow.
type floorInput struct {
	Principal string `json:"principal"`
}

func runFloorRequest(ctx workflow.Context, in floorInput) error {
	for _, step := range []string{floorPlan, floorApply} {
		if err := runFloorStep(ctx, step, in, workflow.GetInfo(ctx).TaskQueueName); err != nil {
			return err
		}
	}
	return nil
}

// runFloorPrincipal handles one change at a time and ends when none is left, like the real
// workflow.
func runFloorPrincipal(ctx workflow.Context, in floorInput) error {
	requested, mutex := false, workflow.NewMutex(ctx)
	err := workflow.SetUpdateHandler(ctx, floorChange, func(ctx workflow.Context) error {
		requested = true
		if err := mutex.Lock(ctx); err != nil {
			return err
		}
		defer mutex.Unlock()
		return runFloorStep(ctx, floorWrite, in, wire.WriteQueue(workflow.GetInfo(ctx).TaskQueueName))
	})
	if err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return requested && workflow.AllHandlersFinished(ctx) })
}

func runFloorStep(ctx workflow.Context, step string, in floorInput, queue string) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: queue, StartToCloseTimeout: startLimit, HeartbeatTimeout: startLimit,
	})
	return workflow.ExecuteActivity(ctx, step, in).Get(ctx, nil)
}

func doNothing(context.Context, floorInput) error { return nil }

func applyFloor(ctx context.Context, in floorInput) error {
	info, c := activity.GetInfo(ctx), activity.GetClient(ctx)
	start := c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: in.Principal, TaskQueue: info.TaskQueue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, floorPrincipal, in)
	handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: info.WorkflowExecution.RunID, UpdateName: floorChange,
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return err
	}
	return handle.Get(ctx, nil)
}

// floorWorkers are set up like the real worker's: one per queue.
func floorWorkers(c client.Client, queue string) []worker.Worker {
	options := worker.Options{DisableRegistrationAliasing: true}
	requests := worker.New(c, queue, options)
	requests.RegisterWorkflowWithOptions(runFloorRequest, workflow.RegisterOptions{Name: floorRequest})
	requests.RegisterWorkflowWithOptions(runFloorPrincipal, workflow.RegisterOptions{Name: floorPrincipal})
	requests.RegisterActivityWithOptions(doNothing, activity.RegisterOptions{Name: floorPlan})
	requests.RegisterActivityWithOptions(applyFloor, activity.RegisterOptions{Name: floorApply})
	options.DisableWorkflowWorker = true
	writes := worker.New(c, wire.WriteQueue(queue), options)
	writes.RegisterActivityWithOptions(doNothing, activity.RegisterOptions{Name: floorWrite})
	return []worker.Worker{requests, writes}
}
