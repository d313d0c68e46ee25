package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/wire"
)

type syncCommand struct {
	*app
	syncFlags

	watch bool // --wait
	delta bool // --delta
}

func newSyncCommand(a *app) *cobra.Command {
	c := &syncCommand{app: a}
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Read the console into the database",
		Long: `Read the console into the database. The sync runs in the worker and survives restarts;
this command starts it, and watches it with --wait. If a sync is running already, also one
that the schedule has started or that somebody started under another id, the command joins it
instead of starting another; with --id only one of that id.
With --delta it reads only what the console's activity feed says has changed: two requests if
nothing has. It becomes a full sync where it cannot be sure, and says why; the first one does.
Full syncs then count what the feed missed: run one daily. The token's role needs
Activity Page.view.
Ctrl-C stops watching, not the sync; run the same command again to resume watching.`,
		Example: `  starter sync --wait
  starter sync --wait --delta
  starter sync --wait --collections users,roles
  starter sync --id nightly -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().BoolVar(&c.watch, "wait", false, "wait for the sync to end and show its progress")
	cmd.Flags().BoolVar(&c.delta, "delta", false, "read only what the activity feed says has changed")
	c.flags(cmd, "workflow id (default: sync/<console>)")
	return cmd
}

func (c *syncCommand) execute(ctx context.Context) error {
	if c.delta && len(c.collections) > 0 {
		return usage("--delta covers all collections: leave --collections out")
	}
	id, in, err := c.syncRequest(c.syncFlags)
	if err != nil {
		return err
	}
	if c.delta {
		in.Mode = wire.ModeDelta
	}
	in.By = strings.TrimSpace(defaultActor()) // who does not confirm it
	e, err := c.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	run, err := e.joinOrStart(ctx, id, in)
	if err != nil {
		return err
	}
	return c.started(ctx, e, id, run, c.watch, unlike(in))
}

// started says which sync was started or joined under an id, and watches it if the person wants to.
func (p *app) started(
	ctx context.Context, e *temporalClient, id string, run startedRun, watch bool, unlike string,
) error {
	if run.Started {
		p.remark("started %s", run.WorkflowID)
	} else {
		p.remark("joined %s, which is already running%s", run.WorkflowID, unlike)
	}
	if watch {
		return p.wait(ctx, e, run)
	}
	if p.output.json {
		return p.emitJSON(run)
	}
	p.remark("watch it with `starter sync --wait%s`, or see `starter status%s`", p.idFlag(id),
		p.idFlag(run.WorkflowID))
	return nil
}

// joinOrStart joins the sync of that id, or one that the schedule of that id has started, if one runs; otherwise it
// starts one. A schedule gives each of its syncs an id of its own. Without an id of its own, it joins any full sync of
// the console that reads what is asked for.
func (e *temporalClient) joinOrStart(ctx context.Context, id string, in wire.SyncInput) (startedRun, error) {
	scheduleID := id
	if in.Mode == wire.ModeDelta {
		scheduleID = schedule.DeltaID(id)
	}
	s, err := e.schedules().Get(ctx, scheduleID)
	if err == nil {
		var run startedRun
		if run, err = e.running(ctx, s); run.RunID != "" {
			return run, err
		}
	}
	if err != nil && !errors.Is(err, schedule.ErrMissing) {
		return startedRun{}, e.Explain(err)
	}
	if id == wire.SyncID(in.Console) {
		if run := e.runningElsewhere(ctx, in); run.RunID != "" {
			return run, nil
		}
	}
	return e.start(ctx, id, in)
}

func unlike(in wire.SyncInput) string {
	switch {
	case len(in.Collections) > 0:
		return " and keeps its own collections"
	case in.Mode == wire.ModeDelta:
		return " and stays full or delta, as it was started"
	}
	return ""
}

// start starts a sync, or finds the one that runs under that id. It asks for
// "already started" to be an error, rather than for the running one to be
// handed out silently, because that distinguishes the two cases.
func (e *temporalClient) start(ctx context.Context, id string, in wire.SyncInput) (startedRun, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	run, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                e.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            schedule.Summary(in),
	}, wire.SyncType, in)
	if running, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return startedRun{WorkflowID: id, RunID: running.RunId}, nil
	}
	if err != nil {
		return startedRun{}, fmt.Errorf("start %s: %w", id, e.Explain(err))
	}
	return startedRun{WorkflowID: id, RunID: run.GetRunID(), Started: true}, nil
}
