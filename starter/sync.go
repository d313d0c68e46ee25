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

	"sentinelone-provisioner/internal/access"
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

func collectionsFlag(cmd *cobra.Command, into *[]string) {
	var all []string
	for _, c := range access.Collections() {
		all = append(all, string(c))
	}
	cmd.Flags().StringSliceVar(into, "collections", nil, "only these: "+strings.Join(all, ","))
	complete(cmd, "collections", all...)
}

// syncInput checks the names before anything is asked of Temporal. None mean all. It
// names the console, if one is configured here, so that a worker of another refuses.
func (p *app) syncInput(names []string) (wire.SyncInput, error) {
	host, err := p.configuredConsole()
	if err != nil {
		return wire.SyncInput{}, err
	}
	in := wire.SyncInput{Console: host}
	for _, name := range names {
		in.Collections = append(in.Collections, strings.TrimSpace(name))
	}
	if _, err := access.ParseCollections(in.Collections); err != nil {
		return in, usage("--collections: %w", err)
	}
	return in, nil
}

// startedRun is the output for programs of a sync that is not waited for.
type startedRun struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
	Started    bool   `json:"started"` // false: one was running already
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
		TaskQueue:                                e.queue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            summary(in),
	}, wire.SyncType, in)
	if running, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return startedRun{WorkflowID: id, RunID: running.RunId}, nil
	}
	if err != nil {
		return startedRun{}, fmt.Errorf("start %s: %w", id, e.explain(err))
	}
	return startedRun{WorkflowID: id, RunID: run.GetRunID(), Started: true}, nil
}

// summary is what Temporal's UI shows beside a sync. It is not encrypted.
func summary(in wire.SyncInput) string {
	if len(in.Collections) == 0 {
		return "sync of everything"
	}
	return "sync of " + strings.Join(in.Collections, ", ")
}

// idFlag is what to add to a command so that it finds the same sync.
func (p *app) idFlag(id string) string {
	if usual, err := p.syncID(""); err == nil && usual == id {
		return ""
	}
	return " --id " + id
}
