package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/wire"
)

// scheduleCommand is what the commands about schedules share.
type scheduleCommand struct {
	*app
	syncFlags

	mode string // --mode: full, delta, or "" for both
}

func newScheduleCommand(a *app) *cobra.Command {
	set := &scheduleSetCommand{scheduleCommand: scheduleCommand{app: a}}
	var remove bool
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Show or change the schedules of syncs",
		Long: `Show or change the schedules of syncs: full ones, and delta ones beside them. Temporal keeps them,
under the ids sync/<console> and sync/<console>/delta, and starts the syncs. If a sync of a
schedule is still running when its next is due, that one is skipped.

Without a subcommand: ` + "`show`" + `; with --every, ` + "`set --full`" + `; with --delete, ` + "`delete`.",
		Example: `  starter schedule set --full 24h --delta 5m
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

const scheduleIDHelp = "schedule id (default: sync/<console>); that of delta syncs ends in /delta"

// idFlags are those of commands that need no more than the id.
func (c *scheduleCommand) idFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.id, "id", "", scheduleIDHelp)
}

// modeFlag chooses one of the two schedules.
func (c *scheduleCommand) modeFlag(cmd *cobra.Command, def, help string) {
	cmd.Flags().StringVar(&c.mode, "mode", def, help)
	complete(cmd, "mode", wire.ModeFull, wire.ModeDelta)
}

// chosen are the ids that --mode chooses of the schedule of full syncs and that of delta syncs; both without it.
func (c *scheduleCommand) chosen(id string) ([]string, error) {
	switch c.mode {
	case "":
		return []string{id, schedule.DeltaID(id)}, nil
	case wire.ModeFull:
		return []string{id}, nil
	case wire.ModeDelta:
		return []string{schedule.DeltaID(id)}, nil
	}
	return nil, usage("--mode: unknown mode %q: use full or delta", c.mode)
}

// schedules connects to Temporal, and says which schedules the command is about: its id is that of full syncs. The
// caller closes the connection.
func (c *scheduleCommand) schedules(ctx context.Context) (*temporalClient, schedule.Schedules, string, error) {
	id, err := c.syncID(c.id)
	if err == nil {
		_, err = c.chosen(id)
	}
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
