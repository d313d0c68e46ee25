package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// bothModes is the help of --mode of commands that are about both schedules.
const bothModes = "only the schedule of full or of delta syncs (default: both)"

// schedulePauseCommand pauses a schedule, or ends the pause.
type schedulePauseCommand struct {
	scheduleCommand

	reason string
	change func(s schedule.Schedules, ctx context.Context, id, note string) error
}

func newSchedulePauseCommand(a *app) *cobra.Command {
	c := &schedulePauseCommand{scheduleCommand: scheduleCommand{app: a}, change: schedule.Schedules.Pause}
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Start no syncs until the schedule is resumed",
		Long: `Start no syncs until ` + "`starter schedule resume`" + `. A running sync continues, and sync and
trigger still start one. Pausing a paused schedule replaces the reason.`,
		Example: `  starter schedule pause --reason "INC-42: console is being upgraded"`,
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	return c.changeFlags(cmd)
}

func newScheduleResumeCommand(a *app) *cobra.Command {
	c := &schedulePauseCommand{scheduleCommand: scheduleCommand{app: a}, change: schedule.Schedules.Resume}
	cmd := &cobra.Command{
		Use:     "resume",
		Short:   "End a pause of the schedule",
		Long:    "End a pause of the schedule. What was due meanwhile is not made up for.",
		Example: `  starter schedule resume`,
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	return c.changeFlags(cmd)
}

func (c *schedulePauseCommand) changeFlags(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&c.reason, "reason", "", "reason; Temporal keeps it unencrypted")
	c.modeFlag(cmd, "", bothModes)
	c.idFlags(cmd)
	return cmd
}

func (c *schedulePauseCommand) execute(ctx context.Context) error {
	if err := access.Length("--reason", c.reason, access.MaxReasonBytes); err != nil {
		return badConfiguration(err)
	}
	e, all, id, err := c.schedules(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	found, err := c.each(id, func(id string) error { return c.change(all, ctx, id, c.reason) })
	switch {
	case err != nil:
		return e.Explain(err)
	case found == 0:
		return e.explainSchedule(id, schedule.ErrMissing)
	}
	return c.showSchedules(ctx, e, id)
}

// each does something with the chosen schedules that are there, and returns how many those are.
func (c *scheduleCommand) each(id string, do func(id string) error) (found int, err error) {
	chosen, err := c.chosen(id)
	for _, id := range chosen {
		switch err := do(id); {
		case err == nil:
			found++
		case !errors.Is(err, schedule.ErrMissing):
			return found, err
		}
	}
	return found, err
}

// scheduleTriggerCommand starts a sync of the schedule now.
type scheduleTriggerCommand struct {
	scheduleCommand

	watch bool // --wait
}

func newScheduleTriggerCommand(a *app) *cobra.Command {
	c := &scheduleTriggerCommand{scheduleCommand: scheduleCommand{app: a}}
	cmd := &cobra.Command{
		Use:   "trigger",
		Short: "Start a sync of the schedule now",
		Long: `Start a sync of the schedule now, also while the schedule is paused. If one of its syncs is
running, or another full sync of the console, the command joins it instead of starting another.`,
		Example: `  starter schedule trigger --wait`,
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().BoolVar(&c.watch, "wait", false, "wait for the sync to end and show its progress")
	c.modeFlag(cmd, wire.ModeFull, "full or delta")
	c.idFlags(cmd)
	return cmd
}

func (c *scheduleTriggerCommand) execute(ctx context.Context) error {
	e, all, id, err := c.schedules(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := e.RequireWorker(ctx); err != nil {
		return err
	}
	chosen, err := c.chosen(id)
	if err != nil {
		return err
	}
	run, err := c.triggered(ctx, e, all, chosen[0])
	if err != nil {
		return e.explainSchedule(chosen[0], err)
	}
	return c.started(ctx, e, id, run, c.watch, "")
}

// triggered joins a full sync of the console that reads everything, or else triggers the schedule: Temporal knows only
// of the syncs of the schedule itself.
func (c *scheduleTriggerCommand) triggered(
	ctx context.Context, e *temporalClient, all schedule.Schedules, id string,
) (startedRun, error) {
	if _, err := all.Get(ctx, id); err != nil {
		return startedRun{}, err
	}
	host, err := c.configuredConsole()
	if err != nil {
		return startedRun{}, err
	}
	if id == wire.SyncID(host) {
		if run := e.runningElsewhere(ctx, wire.SyncInput{Console: host}); run.RunID != "" {
			return run, nil
		}
	}
	return e.trigger(ctx, all, id)
}

// triggerTimeout is how long Temporal may take to start a sync that was triggered.
const triggerTimeout = time.Minute

// trigger starts a sync of a schedule, or finds the one that runs.
func (e *temporalClient) trigger(ctx context.Context, all schedule.Schedules, id string) (startedRun, error) {
	before, err := all.Get(ctx, id)
	if err != nil {
		return startedRun{}, err
	}
	if run, err := e.running(ctx, before); err != nil || run.RunID != "" {
		return run, err
	}
	if err := all.Trigger(ctx, id); err != nil {
		return startedRun{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, triggerTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		now, err := all.Get(ctx, id)
		if err != nil && !temporalclient.Unreachable(err) {
			return startedRun{}, err
		}
		for _, s := range slices.Backward(now.Runs) {
			if !slices.Contains(before.Runs, s) {
				return startedRun{WorkflowID: s.WorkflowID, RunID: s.RunID, Started: true}, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return startedRun{}, fmt.Errorf("%s is triggered, and Temporal has not started the sync yet: "+
				"see `starter schedule show`", id)
		}
	}
}

// running is the sync of a schedule that runs; without a run id if none does.
func (e *temporalClient) running(ctx context.Context, s schedule.Schedule) (startedRun, error) {
	for _, start := range slices.Backward(s.Running) {
		run := startedRun{WorkflowID: start.WorkflowID, RunID: start.RunID}
		info, err := e.Info(ctx, run)
		switch {
		case temporalclient.IsNotFound(err):
		case err != nil:
			return startedRun{}, err
		case !temporalclient.Closed(info) && info.GetType().GetName() == wire.SyncType:
			return run, nil
		}
	}
	return startedRun{}, nil
}

// scheduleDeleteCommand removes a schedule.
type scheduleDeleteCommand struct{ scheduleCommand }

func newScheduleDeleteCommand(a *app) *cobra.Command {
	c := &scheduleDeleteCommand{scheduleCommand{app: a}}
	cmd := &cobra.Command{
		Use:     "delete",
		Short:   "Remove the schedules",
		Long:    "Remove the schedules. Running syncs continue. Removing one that is not there is no error.",
		Example: `  starter schedule delete`,
		Args:    cobra.NoArgs,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	c.modeFlag(cmd, "", bothModes)
	c.idFlags(cmd)
	return cmd
}

func (c *scheduleDeleteCommand) execute(ctx context.Context) error {
	e, all, id, err := c.schedules(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	var removed []string
	if _, err := c.each(id, func(id string) error {
		err := all.Delete(ctx, id)
		if err == nil {
			removed = append(removed, id)
		}
		return err
	}); err != nil {
		return e.Explain(err)
	}
	if c.output.json {
		chosen, _ := c.chosen(id) // which `schedules` has checked
		none := scheduleAnswerOf(schedule.Schedule{ID: chosen[0]})
		none.Scheduled = false
		return c.emitJSON(none)
	}
	if len(removed) == 0 {
		removed = []string{id}
	}
	for _, id := range removed {
		writef(c.out, "removed the schedule %s\n", id)
	}
	return nil
}
