package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// scheduleShowCommand shows the schedule and the outcomes of its syncs.
type scheduleShowCommand struct{ scheduleCommand }

func newScheduleShowCommand(a *app) *cobra.Command {
	c := &scheduleShowCommand{scheduleCommand{app: a}}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the next syncs, and the latest with their outcome",
		Long: `Show when the next syncs start, and the latest ones, at most ten of each schedule, with their outcome:
running, promoted, unchanged, quarantined, failed. With -o json, the schedule of delta syncs is
under delta.`,
		Example: `  starter schedule show
  starter schedule show -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	c.idFlags(cmd)
	return cmd
}

func (c *scheduleShowCommand) execute(ctx context.Context) error {
	e, _, id, err := c.schedules(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	return c.showSchedules(ctx, e, id)
}

// scheduleAnswer is the output for programs.
type scheduleAnswer struct {
	ID        string      `json:"id"`
	Scheduled bool        `json:"scheduled"`
	Every     string      `json:"every,omitempty"` // Go duration
	Cron      string      `json:"cron,omitempty"`
	Jitter    string      `json:"jitter,omitempty"`  // Go duration
	CatchUp   string      `json:"catchUp,omitempty"` // Go duration
	Paused    bool        `json:"paused"`
	Note      string      `json:"note,omitempty"`
	Next      []time.Time `json:"next"`
	Recent    []string    `json:"recent"` // workflow ids, oldest first
	// Runs are the same syncs with their outcome.
	Runs    []scheduledRun `json:"runs"`
	Started int            `json:"started"` // syncs that the schedule has started
	Skipped int            `json:"skipped"` // starts that were skipped since the sync before still ran
	Missed  int            `json:"missed"`  // starts that were missed for longer than the catch-up window
	// Delta is the schedule of delta syncs, beside that of full ones; absent if there is none.
	Delta *scheduleAnswer `json:"delta,omitempty"`
}

// scheduledRun is one sync of a schedule.
type scheduledRun struct {
	WorkflowID string    `json:"workflowId"`
	RunID      string    `json:"runId"`
	StartedAt  time.Time `json:"startedAt"`
	// Outcome is running, promoted, unchanged, skipped, quarantined, failed, cancelled or terminated; unknown if
	// Temporal has forgotten the sync.
	Outcome string                  `json:"outcome"`
	Changes *wire.AssignmentChanges `json:"changes,omitempty"`
	Error   string                  `json:"error,omitempty"` // why it failed, or was skipped
}

// outcomeUnknown is the outcome of a sync that Temporal has forgotten.
const outcomeUnknown = "unknown"

// outcomeSkipped is the outcome of a sync that another one, which the schedule has not started, has made needless.
const outcomeSkipped = "skipped"

// showSchedules shows the schedule of full syncs, and that of delta syncs if there is one.
func (c *scheduleCommand) showSchedules(ctx context.Context, e *temporalClient, id string) error {
	full, answer, err := e.schedule(ctx, id)
	missing := errors.Is(err, schedule.ErrMissing)
	if err != nil && !missing {
		return e.explainSchedule(id, err)
	}
	delta, deltaAnswer, err := e.schedule(ctx, schedule.DeltaID(id))
	switch {
	case err == nil:
		answer.Delta = &deltaAnswer
	case !errors.Is(err, schedule.ErrMissing) || missing:
		return e.explainSchedule(id, err)
	}
	if c.output.json {
		return c.emitJSON(answer)
	}
	if !missing {
		c.printSchedule(full, answer, id)
	}
	if answer.Delta != nil {
		if !missing {
			writef(c.out, "\n")
		}
		c.printSchedule(delta, deltaAnswer, id)
	}
	return nil
}

// schedule looks up a schedule and the outcomes of its syncs; the error is [schedule.ErrMissing] if there is none.
func (e *temporalClient) schedule(ctx context.Context, id string) (schedule.Schedule, scheduleAnswer, error) {
	s, err := e.schedules().Get(ctx, id)
	answer := scheduleAnswerOf(s)
	if err != nil {
		answer.Scheduled = false
		return s, answer, err
	}
	for _, start := range s.Runs {
		run, err := e.scheduledRun(ctx, start)
		if err != nil {
			return s, answer, err
		}
		answer.Runs = append(answer.Runs, run)
	}
	return s, answer, nil
}

func scheduleAnswerOf(s schedule.Schedule) scheduleAnswer {
	a := scheduleAnswer{
		ID: s.ID, Scheduled: true, Cron: s.Spec.Cron, Paused: s.Paused, Note: s.Note, Next: orEmpty(s.Next),
		Recent: []string{}, Runs: []scheduledRun{}, Started: s.Started, Skipped: s.Skipped, Missed: s.Missed,
	}
	for _, d := range []struct {
		into *string
		is   time.Duration
	}{{&a.Every, s.Spec.Every}, {&a.Jitter, s.Spec.Jitter}, {&a.CatchUp, s.Spec.CatchUp}} {
		if d.is > 0 {
			*d.into = access.Duration(d.is).String()
		}
	}
	for _, r := range s.Runs {
		a.Recent = append(a.Recent, r.WorkflowID)
	}
	return a
}

// scheduledRun looks up the outcome of a sync.
func (e *temporalClient) scheduledRun(ctx context.Context, s schedule.Start) (scheduledRun, error) {
	run := scheduledRun{WorkflowID: s.WorkflowID, RunID: s.RunID, StartedAt: s.At, Outcome: outcomeUnknown}
	info, err := e.Info(ctx, startedRun{WorkflowID: s.WorkflowID, RunID: s.RunID})
	switch {
	case temporalclient.IsNotFound(err):
		return run, nil
	case err != nil:
		return run, e.Explain(err)
	}
	run.Outcome = executionText(info)
	if !temporalclient.Closed(info) {
		return run, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var result wire.SyncResult
	switch err := e.GetWorkflow(ctx, s.WorkflowID, s.RunID).Get(ctx, &result); {
	case err == nil:
		run.Outcome, run.Changes = result.State, &result.Changes
		if result.Skipped != "" {
			run.Outcome, run.Changes, run.Error = outcomeSkipped, nil, result.Skipped
		}
	case temporalclient.Unreachable(err):
		return run, e.Explain(err)
	default:
		run.Error = reason(err).Error()
	}
	return run, nil
}

// nextShown is how many of the next starts people see.
const nextShown = 3

func (c *scheduleCommand) printSchedule(s schedule.Schedule, a scheduleAnswer, fullID string) {
	facts := [][]string{{"schedule", s.ID}, {"starts", s.Spec.String()}}
	add := func(name, format string, args ...any) {
		facts = append(facts, []string{name, fmt.Sprintf(format, args...)})
	}
	if a.Jitter != "" {
		add("jitter", "up to %s later", a.Jitter)
	}
	add("catch-up", "up to %s late, if Temporal was down", a.CatchUp)
	if s.Paused {
		add("paused", "%s", s.Note)
	}
	for i, at := range s.Next[:min(nextShown, len(s.Next))] {
		if s.Paused {
			break
		}
		add([]string{"next", "", ""}[i], "%s", describe.Minute(at))
	}
	if s.Skipped > 0 {
		add("skipped", "%s, since the sync before still ran", describe.Plural(s.Skipped, "sync"))
	}
	if s.Missed > 0 {
		add("missed", "%s, since Temporal was down for longer than the catch-up window",
			describe.Plural(s.Missed, "sync"))
	}
	c.emitTable(nil, facts)
	if len(a.Runs) == 0 {
		mode := ""
		if s.ID != fullID {
			mode = " --mode delta"
		}
		c.remark("%s has started no sync yet: `starter schedule trigger%s%s` starts one now", s.ID, mode,
			c.idFlag(fullID))
		return
	}
	rows := make([][]string, len(a.Runs))
	for i, r := range a.Runs {
		outcome := r.Outcome
		switch {
		case r.Error != "":
			outcome += ": " + r.Error
		case r.Changes != nil:
			outcome += fmt.Sprintf(": assignments +%d -%d", r.Changes.Added, r.Changes.Removed)
		}
		rows[len(rows)-1-i] = []string{describe.Minute(r.StartedAt), r.WorkflowID, outcome}
	}
	writef(c.out, "\n")
	c.emitTable([]string{"started", "sync", "outcome"}, rows)
	c.remark("show the latest with `starter status --id %s`", a.Runs[len(a.Runs)-1].WorkflowID)
}
