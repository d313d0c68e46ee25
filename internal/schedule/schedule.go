package schedule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/wire"
)

// ErrMissing means that Temporal has no such schedule.
var ErrMissing = errors.New("there is no such schedule")

// ErrRefused means that Temporal does not accept the specification.
var ErrRefused = errors.New("temporal refuses the schedule")

// DeltaID is the id of the schedule of delta syncs beside that of full syncs.
func DeltaID(fullID string) string { return fullID + "/delta" }

// Schedules are the schedules of one namespace.
type Schedules struct {
	// Client is the connection to Temporal.
	Client client.ScheduleClient
	// TaskQueue is where the syncs run.
	TaskQueue string
}

// Schedule is what Temporal knows of a schedule.
type Schedule struct {
	ID        string
	Spec      Spec
	TaskQueue string
	Paused    bool
	Note      string      // why it is paused, by whom
	Next      []time.Time // the next starts, the first one first
	Runs      []Start     // the latest starts, the oldest first
	Running   []Start     // those that run
	Started   int         // how many syncs it has started
	Skipped   int         // starts that were skipped since the sync before still ran
	Missed    int         // starts that Temporal missed for longer than the catch-up window
}

// Start is one sync that a schedule started.
type Start struct {
	WorkflowID string
	RunID      string
	At         time.Time
}

// Put creates a schedule, or makes the one that is there like it; a paused one stays paused.
func (s Schedules) Put(ctx context.Context, id string, spec Spec, in wire.SyncInput) error {
	created, err := s.Create(ctx, id, spec, in, false)
	if created || err != nil {
		return err
	}
	return s.Replace(ctx, id, spec, in)
}

// Create creates a schedule; it returns false if there is one under that id. now starts the first sync at once.
func (s Schedules) Create(ctx context.Context, id string, spec Spec, in wire.SyncInput, now bool) (bool, error) {
	_, err := s.Client.Create(ctx, client.ScheduleOptions{
		ID: id, Spec: specOf(spec), Action: s.action(id, in), Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: spec.CatchUp, TriggerImmediately: now,
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return false, nil
	}
	return err == nil, explain(err)
}

// Replace makes a schedule that is there like the given one. It stays paused, or not.
func (s Schedules) Replace(ctx context.Context, id string, spec Spec, in wire.SyncInput) error {
	return explain(s.Client.GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			is := input.Description.Schedule
			times := specOf(spec)
			is.Spec, is.Action = &times, s.action(id, in)
			is.Policy = &client.SchedulePolicies{
				Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: spec.CatchUp,
			}
			return &client.ScheduleUpdate{Schedule: &is}, nil
		},
	}))
}

func specOf(s Spec) client.ScheduleSpec {
	spec := client.ScheduleSpec{Jitter: s.Jitter}
	if s.Every > 0 {
		spec.Intervals = []client.ScheduleIntervalSpec{{Every: s.Every}}
	} else {
		// Temporal keeps the times that it has read, and of the text only what is a comment.
		spec.CronExpressions = []string{s.Cron + " # " + s.Cron}
	}
	return spec
}

func (s Schedules) action(id string, in wire.SyncInput) client.ScheduleAction {
	return &client.ScheduleWorkflowAction{
		ID: id, Workflow: wire.SyncType, Args: []any{in}, TaskQueue: s.TaskQueue, StaticSummary: Summary(in),
	}
}

// Summary is what Temporal's UI shows beside a sync. It is not encrypted.
func Summary(in wire.SyncInput) string {
	switch {
	case in.Mode == wire.ModeDelta:
		return "delta sync"
	case len(in.Collections) == 0:
		return "sync of everything"
	}
	return "sync of " + strings.Join(in.Collections, ", ")
}

// Get returns a schedule; the error is [ErrMissing] if there is none.
func (s Schedules) Get(ctx context.Context, id string) (Schedule, error) {
	d, err := s.Client.GetHandle(ctx, id).Describe(ctx)
	if err != nil {
		return Schedule{ID: id}, explain(err)
	}
	return read(id, d), nil
}

// Pause pauses a schedule, and notes who did and why. A sync that runs continues.
func (s Schedules) Pause(ctx context.Context, id, note string) error {
	return explain(s.Client.GetHandle(ctx, id).Pause(ctx, client.SchedulePauseOptions{Note: note}))
}

// Resume ends a pause.
func (s Schedules) Resume(ctx context.Context, id, note string) error {
	return explain(s.Client.GetHandle(ctx, id).Unpause(ctx, client.ScheduleUnpauseOptions{Note: note}))
}

// Trigger starts a sync now, unless one that the schedule started runs.
func (s Schedules) Trigger(ctx context.Context, id string) error {
	return explain(s.Client.GetHandle(ctx, id).Trigger(ctx, client.ScheduleTriggerOptions{
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
	}))
}

// Delete removes a schedule; the error is [ErrMissing] if there is none. A sync that runs continues.
func (s Schedules) Delete(ctx context.Context, id string) error {
	return explain(s.Client.GetHandle(ctx, id).Delete(ctx))
}

func explain(err error) error {
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return ErrMissing
	}
	if bad, is := errors.AsType[*serviceerror.InvalidArgument](err); is {
		return fmt.Errorf("%w: %s", ErrRefused, bad.Message)
	}
	return err
}

func read(id string, d *client.ScheduleDescription) Schedule {
	out := Schedule{
		ID: id, Started: d.Info.NumActions, Skipped: d.Info.NumActionsSkippedOverlap,
		Missed: d.Info.NumActionsMissedCatchupWindow,
	}
	if spec := d.Schedule.Spec; spec != nil {
		out.Spec = Spec{Jitter: spec.Jitter}
		if len(spec.Intervals) > 0 {
			out.Spec.Every = spec.Intervals[0].Every
		}
		if len(spec.Calendars) > 0 {
			out.Spec.Cron = spec.Calendars[0].Comment
		}
	}
	if d.Schedule.Policy != nil {
		out.Spec.CatchUp = d.Schedule.Policy.CatchupWindow
	}
	if state := d.Schedule.State; state != nil {
		out.Paused, out.Note = state.Paused, state.Note
	}
	if action, is := d.Schedule.Action.(*client.ScheduleWorkflowAction); is {
		out.TaskQueue = action.TaskQueue
	}
	for _, t := range d.Info.NextActionTimes {
		out.Next = append(out.Next, t.UTC())
	}
	for _, r := range d.Info.RecentActions {
		if w := r.StartWorkflowResult; w != nil {
			start := Start{WorkflowID: w.WorkflowID, RunID: w.FirstExecutionRunID, At: r.ActualTime.UTC()}
			out.Runs = append(out.Runs, start)
		}
	}
	for _, w := range d.Info.RunningWorkflows {
		out.Running = append(out.Running, Start{WorkflowID: w.WorkflowID, RunID: w.FirstExecutionRunID})
	}
	return out
}
