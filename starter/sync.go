package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

type syncCommand struct {
	*app

	watch       bool
	collections []string
	id          string
}

func newSyncCommand(a *app) *cobra.Command {
	c := &syncCommand{app: a}
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Read the console into the store",
		Long: `Read the console into the store. The sync runs in the worker and survives it being
killed; this command only starts it, and with --wait watches it. While one runs,
asking again joins that one instead of starting another.

Ctrl-C stops the watching, not the sync; the same command comes back to it.`,
		Example: `  starter sync --wait
  starter sync --wait --collections users,roles
  starter sync --id nightly -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().BoolVar(&c.watch, "wait", false, "watch the sync to its end")
	collectionsFlag(cmd, &c.collections)
	cmd.Flags().StringVar(&c.id, "id", "", "workflow id (default sync/<console>)")
	return cmd
}

func (c *syncCommand) execute(ctx context.Context) error {
	in, err := c.syncInput(c.collections)
	if err != nil {
		return err
	}
	id, err := c.syncID(c.id)
	if err != nil {
		return err
	}
	e, err := c.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	run, err := e.start(ctx, id, in)
	if err != nil {
		return err
	}
	if run.Started {
		c.remark("started %s", id)
	} else {
		c.remark("%s is running already: joined it%s", id, unlike(c.collections))
	}
	if c.watch {
		return c.wait(ctx, e, run)
	}
	if c.output.json {
		return c.emitJSON(run)
	}
	c.remark("watch it with `starter sync --wait%s`, or look with `starter status%s`", c.idFlag(id), c.idFlag(id))
	return nil
}

func unlike(collections []string) string {
	if len(collections) == 0 {
		return ""
	}
	return ", with the collections it was started with"
}

// start starts a sync, or finds the one that runs under that id. It asks for
// "already started" to be an error, rather than for the running one to be
// handed out silently, because that is how one can tell which of the two it was.
func (e *temporalClient) start(ctx context.Context, id string, in wire.SyncInput) (startedRun, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	run, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                e.TaskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            summary(in),
	}, wire.SyncType, in)
	if running, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return startedRun{WorkflowID: id, RunID: running.RunId}, nil
	}
	if err != nil {
		return startedRun{}, fmt.Errorf("start %s: %w", id, e.Explain(err))
	}
	return startedRun{WorkflowID: id, RunID: run.GetRunID(), Started: true}, nil
}
