package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

// scheduleSetCommand creates or changes a schedule.
type scheduleSetCommand struct {
	scheduleCommand

	full, cron, delta string
	jitter, catchUp   string
}

func newScheduleSetCommand(a *app) *cobra.Command {
	c := &scheduleSetCommand{scheduleCommand: scheduleCommand{app: a}}
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Create a schedule, or change it",
		Long: `Create the schedule of full syncs (--full or --cron) or that of delta syncs (--delta), or both, or
make the one that is there like this: options that are not given get their defaults, and a
paused schedule stays paused. The other one is not touched.

--full is an interval, counted from 1970-01-01 00:00 UTC: 24h is every midnight UTC. --cron has
five fields: minute, hour, day of the month, month, weekday (0 is Sunday); where both days are
given, both must match. It is in UTC, unless CRON_TZ= precedes it.`,
		Example: `  starter schedule set --full 24h --delta 5m
  starter schedule set --cron "CRON_TZ=Europe/Berlin 30 3 * * 1-5" --catch-up 2h
  starter schedule set --full 1h --collections users,roles --id sync/people`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx, cmd) })
	f := cmd.Flags()
	f.StringVar(&c.full, "full", "", "interval of full syncs, one minute or more: 15m, 24h, 1d")
	f.StringVar(&c.full, "every", "", "the same as --full")
	f.StringVar(&c.cron, "cron", "", "times of full syncs, instead of an interval")
	f.StringVar(&c.delta, "delta", "", "interval of delta syncs, one minute or more: they need full ones beside them")
	f.StringVar(&c.jitter, "jitter", "", "delay each start by a random time up to this, so that consoles are not "+
		"synced all at once (default: none)")
	f.StringVar(&c.catchUp, "catch-up", "", "how late a sync may start that was missed while Temporal was down "+
		"(default: one interval)")
	c.flags(cmd, scheduleIDHelp)
	cmd.MarkFlagsMutuallyExclusive("full", "every", "cron")
	cmd.MarkFlagsOneRequired("full", "every", "cron", "delta")
	return cmd
}

func (c *scheduleSetCommand) execute(ctx context.Context, cmd *cobra.Command) error {
	specs, err := c.specs(cmd)
	if err != nil {
		return err
	}
	id, in, err := c.syncRequest(c.syncFlags)
	if err != nil {
		return err
	}
	if specs[wire.ModeDelta] != nil && len(in.Collections) > 0 {
		return usage("--delta covers all collections: leave --collections out")
	}
	e, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	if spec := specs[wire.ModeFull]; spec != nil {
		if err := e.schedules().Put(ctx, id, *spec, in); err != nil {
			return e.explainSchedule(id, err)
		}
	}
	if spec := specs[wire.ModeDelta]; spec != nil {
		in.Mode = wire.ModeDelta
		if err := e.schedules().Put(ctx, schedule.DeltaID(id), *spec, in); err != nil {
			return e.explainSchedule(id, err)
		}
	}
	return c.showSchedules(ctx, e, id)
}

// specs reads the flags that say when, by mode. A flag that is given and blank is a mistake.
func (c *scheduleSetCommand) specs(cmd *cobra.Command) (map[string]*schedule.Spec, error) {
	out := map[string]*schedule.Spec{}
	for _, flag := range []struct{ name, value, mode string }{
		{"full", c.full, wire.ModeFull},
		{"every", c.full, wire.ModeFull},
		{"cron", c.cron, wire.ModeFull},
		{"delta", c.delta, wire.ModeDelta},
	} {
		if !cmd.Flags().Changed(flag.name) {
			continue
		}
		spec, err := c.when(flag.name, flag.value)
		if err != nil {
			return nil, usage("--%s: %w", flag.name, err)
		}
		if spec, err = c.delayed(spec); err != nil {
			return nil, err
		}
		out[flag.mode] = &spec
	}
	return out, nil
}

func (c *scheduleSetCommand) when(flag, value string) (schedule.Spec, error) {
	if flag == "cron" {
		return schedule.EachCron(value, c.now())
	}
	every, err := timetext.Interval(value)
	return schedule.EachInterval(every), err
}

// delayed adds jitter and catch-up window.
func (c *scheduleSetCommand) delayed(spec schedule.Spec) (schedule.Spec, error) {
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
