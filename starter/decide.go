package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/wire"
)

type decideOptions struct{ by, id string }

func (p *app) confirmCommand() *cobra.Command {
	return p.decideCommand(wire.ConfirmUpdate, "Promote a quarantined sync",
		"Promote a quarantined sync: its data is right, and queries use it from now on.")
}

func (p *app) discardCommand() *cobra.Command {
	return p.decideCommand(wire.DiscardUpdate, "Discard a quarantined sync",
		"Discard a quarantined sync: its data is wrong, and queries keep using the last verified sync.")
}

func (p *app) decideCommand(decision, short, long string) *cobra.Command {
	var o decideOptions
	cmd := &cobra.Command{
		Use:   decision,
		Short: short,
		Long:  long + "\n\nThe name in --by is recorded as claimed. `starter status` shows why it is quarantined.",
		Example: fmt.Sprintf(`  starter %[1]s
  starter %[1]s --by carol@example.com --id nightly`, decision),
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.decide(ctx, decision, o) }),
	}
	cmd.Flags().StringVar(&o.by, "by", defaultActor(), "person who decides")
	cmd.Flags().StringVar(&o.id, "id", "",
		"workflow id (default: the quarantined sync in the database, else sync/<console>)")
	return cmd
}

func (p *app) decide(ctx context.Context, decision string, o decideOptions) error {
	by := strings.TrimSpace(o.by)
	if by == "" {
		return usage("decider unknown: pass --by, as in --by ana@example.com")
	}
	id, err := p.undecided(ctx, o.id)
	if err != nil {
		return err
	}
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	decided, err := e.decide(ctx, id, decision, by)
	if err != nil {
		return err
	}
	if p.output.json {
		return p.emitJSON(decided)
	}
	fmt.Fprintf(p.out, "%s by %s: snapshot %s is %s\n", past(decided.Decision), decided.By, decided.Snapshot,
		fate(decided))
	return nil
}

// undecided is the workflow a decision is for: the flag, else the one that holds a
// quarantined snapshot of the console, else the customary one. A schedule gives each
// of its syncs an id of its own, which only the database knows without Temporal.
func (p *app) undecided(ctx context.Context, flag string) (string, error) {
	usual, err := p.syncID(flag)
	if err != nil || flag != "" {
		return usual, err
	}
	ids := p.quarantinedIDs(ctx)
	switch {
	case len(ids) == 0:
		return usual, nil
	case len(ids) > 1:
		return "", fmt.Errorf("several syncs are quarantined: choose one with --id: %s", strings.Join(ids, ", "))
	}
	if ids[0] != usual {
		p.remark("the quarantined sync is %s", ids[0])
	}
	return ids[0], nil
}

// quarantinedIDs are the workflows that hold quarantined snapshots of the configured
// console, oldest first. A database that cannot be read knows none: decisions are
// taken by the worker, not here.
func (p *app) quarantinedIDs(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	host, err := p.configuredConsole()
	if err != nil {
		return nil
	}
	db, err := p.openStore(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = db.Close() }()
	held, err := db.Quarantined(ctx, host)
	if err != nil {
		return nil
	}
	var ids []string
	for _, s := range held {
		if s.WorkflowID != "" && !slices.Contains(ids, s.WorkflowID) {
			ids = append(ids, s.WorkflowID)
		}
	}
	return ids
}

// decide waits until the decision is carried out, for as long as that takes.
func (e *temporalClient) decide(ctx context.Context, id, decision, by string) (wire.QuarantineAnswer, error) {
	var decided wire.QuarantineAnswer
	handle, err := e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: decision, WaitForStage: client.WorkflowUpdateStageCompleted,
		Args: []any{wire.QuarantineDecision{By: by}},
	})
	if err == nil {
		err = handle.Get(ctx, &decided)
	}
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return decided, fmt.Errorf("no sync %q is waiting for a decision: "+
			"it has ended, or was never started; see `starter status`", id)
	}
	if err != nil {
		return decided, reason(e.Explain(err))
	}
	return decided, nil
}

func past(decision string) string {
	if decision == wire.ConfirmUpdate {
		return "confirmed"
	}
	return "discarded"
}

func fate(d wire.QuarantineAnswer) string {
	if d.Decision == wire.DiscardUpdate {
		return "dropped"
	}
	return d.State
}
