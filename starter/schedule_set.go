package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/timetext"
)

// scheduleSetCommand creates or changes a schedule.
type scheduleSetCommand struct {
	scheduleCommand

	full, cron      string
	jitter, catchUp string
}

func newScheduleSetCommand(a *app) *cobra.Command {
	c := &scheduleSetCommand{scheduleCommand: scheduleCommand{app: a}}
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Create the schedule, or change it",
		Long: `Create the schedule, or make the one that is there like this: options that are not given get their
defaults, and a paused schedule stays paused.

--full is an interval, counted from 1970-01-01 00:00 UTC: 24h is every midnight UTC. --cron has
five fields: minute, hour, day of the month, month, weekday (0 is Sunday); where both days are
given, both must match. It is in UTC, unless CRON_TZ= precedes it.`,
		Example: `  starter schedule set --full 24h --jitter 10m
  starter schedule set --cron "CRON_TZ=Europe/Berlin 30 3 * * 1-5" --catch-up 2h
  starter schedule set --full 1h --collections users,roles --id sync/people`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx, cmd) })
	f := cmd.Flags()
	f.StringVar(&c.full, "full", "", "interval of full syncs, one minute or more: 15m, 24h, 1d")
	f.StringVar(&c.full, "every", "", "the same as --full")
	f.StringVar(&c.cron, "cron", "", "times of full syncs, instead of an interval")
	f.StringVar(&c.jitter, "jitter", "", "delay each start by a random time up to this, so that consoles are not "+
		"synced all at once (default: none)")
	f.StringVar(&c.catchUp, "catch-up", "", "how late a sync may start that was missed while Temporal was down "+
		"(default: one interval)")
	c.flags(cmd, scheduleIDHelp)
	cmd.MarkFlagsMutuallyExclusive("full", "every", "cron")
	cmd.MarkFlagsOneRequired("full", "every", "cron")
	return cmd
}

func (c *scheduleSetCommand) execute(ctx context.Context, cmd *cobra.Command) error {
	spec, err := c.spec(cmd)
	if err != nil {
		return err
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
	if err := e.schedules().Put(ctx, id, spec, in); err != nil {
		return e.explainSchedule(id, err)
	}
	return c.showSchedule(ctx, e, id)
}

// spec reads the flags that say when. A flag that is given and blank is a mistake.
func (c *scheduleSetCommand) spec(cmd *cobra.Command) (spec schedule.Spec, err error) {
	switch f := cmd.Flags(); {
	case f.Changed("cron"):
		if spec, err = schedule.EachCron(c.cron, c.now()); err != nil {
			return spec, usage("--cron: %w", err)
		}
	default:
		every, err := timetext.Interval(c.full)
		if err != nil {
			name := "full"
			if f.Changed("every") {
				name = "every"
			}
			return spec, usage("--%s: %w", name, err)
		}
		spec = schedule.EachInterval(every)
	}
	if c.jitter != "" {
		jitter, err := noneOr(c.jitter)
		if err == nil {
			spec, err = spec.WithJitter(jitter)
		}
		if err != nil {
			return spec, usage("--jitter: %w", err)
		}
	}
	if c.catchUp != "" {
		window, err := timetext.Duration(c.catchUp)
		if err == nil {
			spec, err = spec.WithCatchUp(window)
		}
		if err != nil {
			return spec, usage("--catch-up: %w", err)
		}
	}
	return spec, nil
}

// noneOr reads a duration that may be 0.
func noneOr(text string) (time.Duration, error) {
	if strings.Trim(text, "0") == "" || text == "0s" {
		return 0, nil
	}
	return timetext.Duration(text)
}
