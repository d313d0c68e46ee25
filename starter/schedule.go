package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/schedule"
)

// scheduleCommand is what the commands about schedules share.
type scheduleCommand struct {
	*app
	syncFlags
}

func newScheduleCommand(a *app) *cobra.Command {
	set := &scheduleSetCommand{scheduleCommand: scheduleCommand{app: a}}
	var remove bool
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Show or change the schedule of syncs",
		Long: `Show or change the schedule of syncs. Temporal keeps it, under the id sync/<console>, and starts
the syncs. If a sync of the schedule is still running when the next is due, that one is skipped.

Without a subcommand: ` + "`show`" + `; with --every, ` + "`set --full`" + `; with --delete, ` + "`delete`.",
		Example: `  starter schedule set --full 24h
  starter schedule set --cron "30 3 * * 1-5" --jitter 10m
  starter schedule show
  starter schedule pause --reason "INC-42: console is being upgraded"`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.run(func(ctx context.Context, _ []string) error {
		switch {
		case remove:
			return (&scheduleDeleteCommand{scheduleCommand: set.scheduleCommand}).execute(ctx)
		case set.full != "":
			return set.execute(ctx, cmd)
		}
		return (&scheduleShowCommand{scheduleCommand: set.scheduleCommand}).execute(ctx)
	})
	cmd.Flags().StringVar(&set.full, "every", "", "interval: 15m, 1h, 1d")
	cmd.Flags().BoolVar(&remove, "delete", false, "remove the schedule; a running sync continues")
	set.flags(cmd, scheduleIDHelp)
	cmd.MarkFlagsMutuallyExclusive("every", "delete")
	cmd.AddCommand(newScheduleSetCommand(a), newScheduleShowCommand(a), newSchedulePauseCommand(a),
		newScheduleResumeCommand(a), newScheduleTriggerCommand(a), newScheduleDeleteCommand(a))
	return cmd
}

const scheduleIDHelp = "schedule id (default: sync/<console>)"

// idFlag is the only flag of commands that need no more than the id.
func (c *scheduleCommand) idFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.id, "id", "", scheduleIDHelp)
}

// schedules connects to Temporal, and says which schedule the command is about. The caller closes the connection.
func (c *scheduleCommand) schedules(ctx context.Context) (*temporalClient, schedule.Schedules, string, error) {
	id, err := c.syncID(c.id)
	if err != nil {
		return nil, schedule.Schedules{}, "", err
	}
	e, err := c.connect(ctx)
	if err != nil {
		return nil, schedule.Schedules{}, "", err
	}
	return e, e.schedules(), id, nil
}

func (e *temporalClient) schedules() schedule.Schedules {
	return schedule.Schedules{Client: e.ScheduleClient(), TaskQueue: e.TaskQueue}
}

// explainSchedule says what to do about an error of a schedule.
func (e *temporalClient) explainSchedule(id string, err error) error {
	switch {
	case errors.Is(err, schedule.ErrMissing):
		return fmt.Errorf("no schedule %s: set one with `starter schedule set --full 24h`", id)
	case errors.Is(err, schedule.ErrRefused):
		return usage("%w: correct the flags of `starter schedule set`", err)
	}
	return e.Explain(err)
}
