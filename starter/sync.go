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

type syncOptions struct {
	wait        bool
	collections []string
	id          string
}

func (p *app) syncCommand() *cobra.Command {
	var o syncOptions
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
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.sync(ctx, o) }),
	}
	cmd.Flags().BoolVar(&o.wait, "wait", false, "watch the sync to its end")
	collectionsFlag(cmd, &o.collections)
	cmd.Flags().StringVar(&o.id, "id", "", "workflow id (default sync/<console>)")
	return cmd
}

func (p *app) sync(ctx context.Context, o syncOptions) error {
	in, err := p.syncInput(o.collections)
	if err != nil {
		return err
	}
	id, err := p.syncID(o.id)
	if err != nil {
		return err
	}
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	run, err := e.start(ctx, id, in)
	if err != nil {
		return err
	}
	if run.Started {
		p.remark("started %s", id)
	} else {
		p.remark("%s is running already: joined it%s", id, unlike(o.collections))
	}
	if o.wait {
		return p.wait(ctx, e, run)
	}
	if p.output.json {
		return p.emitJSON(run)
	}
	p.remark("watch it with `starter sync --wait%s`, or look with `starter status%s`", p.idFlag(id), p.idFlag(id))
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
