package main

import (
	"context"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

// grantSeen are counts and durations from the histories of one grant and its principal.
type grantSeen struct {
	events, actions int
	took            map[string]time.Duration // by activity, from start to end
}

// observe reads the histories of a grant and of the writer that it started.
func (g *grantBench) observe(ctx context.Context, run client.WorkflowRun) (grantSeen, error) {
	out := grantSeen{took: map[string]time.Duration{}}
	var result wire.RequestResult
	if err := run.Get(ctx, &result); err != nil {
		return out, err
	}
	plan := result.Receipt.Plan
	writer := wire.PrincipalID(plan.Console, plan.Principal.Kind, plan.Principal.ID)
	for _, of := range []struct{ id, run string }{{run.GetID(), run.GetRunID()}, {id: writer}} {
		// The writer ends soon after its last change: wait for that.
		if err := g.client.GetWorkflow(ctx, of.id, of.run).Get(ctx, nil); err != nil {
			return out, err
		}
		if err := out.read(g.client.GetWorkflowHistory(ctx, of.id, of.run, false,
			enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (s *grantSeen) read(events client.HistoryEventIterator) error {
	names, started := map[int64]string{}, map[int64]time.Time{}
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return err
		}
		s.events++
		s.actions += actionsOf(e)
		if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
			names[e.EventId] = a.ActivityType.Name
		}
		if a := e.GetActivityTaskStartedEventAttributes(); a != nil {
			started[a.ScheduledEventId] = e.EventTime.AsTime()
		}
		if a := e.GetActivityTaskCompletedEventAttributes(); a != nil {
			s.took[names[a.ScheduledEventId]] = e.EventTime.AsTime().Sub(started[a.ScheduledEventId])
		}
	}
	return nil
}

// actionsOf returns the actions that Temporal Cloud would bill for an event, as far as histories
// show them: starts, each attempt of an activity, updates, timers and signals.
func actionsOf(e *history.HistoryEvent) int {
	switch e.EventType { //nolint:exhaustive // the others cost nothing
	case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		return int(e.GetActivityTaskStartedEventAttributes().Attempt)
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
		enums.EVENT_TYPE_TIMER_STARTED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		return 1
	}
	return 0
}
