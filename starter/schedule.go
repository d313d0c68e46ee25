package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

// shortestInterval keeps a typing error from making a load on the console.
const shortestInterval = time.Minute

type scheduleCommand struct {
	*app
	syncFlags

	every  string
	remove bool // --delete
}

func newScheduleCommand(a *app) *cobra.Command {
	c := &scheduleCommand{app: a}
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Show or set the schedule of syncs",
		Long: `Show the schedule of syncs, or set it with --every. Temporal keeps the schedule, under the
id sync/<console>. If a sync is still running when the next is due, that one is skipped;
one missed while Temporal was down is made up for within one interval.`,
		Example: `  starter schedule --every 1h
  starter schedule
  starter schedule --delete`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.every, "every", "", "interval: 15m, 1h, 1d")
	cmd.Flags().BoolVar(&c.remove, "delete", false, "remove the schedule; a running sync continues")
	c.flags(cmd, "schedule id (default: sync/<console>)")
	cmd.MarkFlagsMutuallyExclusive("every", "delete")
	return cmd
}

func (c *scheduleCommand) execute(ctx context.Context) error {
	var every time.Duration
	if c.every != "" {
		var err error
		if every, err = timetext.Duration(c.every); err != nil {
			return usage("--every: %w", err)
		}
		if every < shortestInterval {
			return usage("--every: %s is too short: use %s or more", every, shortestInterval)
		}
	}
	id, in, err := c.syncRequest(c.syncFlags)
	if err != nil {
		return err
	}
	e, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	switch {
	case c.remove:
		return c.unschedule(ctx, e, id)
	case every > 0:
		if err := e.setSchedule(ctx, id, every, in); err != nil {
			return err
		}
	}
	return c.showSchedule(ctx, e, id)
}

// setSchedule creates the schedule or makes the one there is like it.
func (e *temporalClient) setSchedule(ctx context.Context, id string, every time.Duration, in wire.SyncInput) error {
	want := client.ScheduleOptions{
		ID:   id,
		Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}},
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: wire.SyncType, Args: []any{in}, TaskQueue: e.TaskQueue, StaticSummary: syncSummary(in),
		},
		Overlap:       enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		CatchupWindow: every,
	}
	_, err := e.ScheduleClient().Create(ctx, want)
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return e.Explain(err)
	}
	err = e.ScheduleClient().GetHandle(ctx, id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := input.Description.Schedule
			s.Spec, s.Action = &want.Spec, want.Action
			s.Policy = &client.SchedulePolicies{Overlap: want.Overlap, CatchupWindow: want.CatchupWindow}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
	return e.Explain(err)
}

func (c *scheduleCommand) unschedule(ctx context.Context, e *temporalClient, id string) error {
	err := e.ScheduleClient().GetHandle(ctx, id).Delete(ctx)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); err != nil && !missing {
		return e.Explain(err)
	}
	if c.output.json {
		return c.emitJSON(scheduleAnswer{ID: id, Next: []time.Time{}, Recent: []string{}})
	}
	writef(c.out, "removed the schedule %s\n", id)
	return nil
}

// scheduleAnswer is the output for programs.
type scheduleAnswer struct {
	ID        string      `json:"id"`
	Scheduled bool        `json:"scheduled"`
	Every     string      `json:"every,omitempty"` // Go duration
	Paused    bool        `json:"paused"`
	Next      []time.Time `json:"next"`
	Recent    []string    `json:"recent"` // workflow ids, oldest first
}

func (c *scheduleCommand) showSchedule(ctx context.Context, e *temporalClient, id string) error {
	described, err := e.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return fmt.Errorf("no schedule %s: set one with `starter schedule --every 1h`", id)
	}
	if err != nil {
		return e.Explain(err)
	}
	answer := scheduleAnswerOf(id, described)
	if c.output.json {
		return c.emitJSON(answer)
	}
	facts := [][]string{{"schedule", id}, {"every", answer.Every}}
	if answer.Paused {
		facts = append(facts, []string{"paused", "yes"})
	}
	if len(answer.Next) > 0 {
		facts = append(facts, []string{"next", describe.Minute(answer.Next[0])})
	}
	for _, recent := range answer.Recent {
		facts = append(facts, []string{"ran", recent})
	}
	c.emitTable(nil, facts)
	if len(answer.Recent) > 0 {
		c.remark("show the latest with `starter status --id %s`", answer.Recent[len(answer.Recent)-1])
	}
	return nil
}

func scheduleAnswerOf(id string, d *client.ScheduleDescription) scheduleAnswer {
	a := scheduleAnswer{ID: id, Scheduled: true, Next: []time.Time{}, Recent: []string{}}
	if d.Schedule.Spec != nil && len(d.Schedule.Spec.Intervals) > 0 {
		a.Every = access.Duration(d.Schedule.Spec.Intervals[0].Every).String()
	}
	if d.Schedule.State != nil {
		a.Paused = d.Schedule.State.Paused
	}
	for _, t := range d.Info.NextActionTimes {
		a.Next = append(a.Next, t.UTC())
	}
	for _, r := range d.Info.RecentActions {
		if r.StartWorkflowResult != nil {
			a.Recent = append(a.Recent, r.StartWorkflowResult.WorkflowID)
		}
	}
	return a
}
