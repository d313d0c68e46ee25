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

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

type decideOptions struct {
	actorOptions

	id string
}

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
		Long:  long + " `starter status` shows why it is quarantined.\n\n" + signHelp,
		Example: fmt.Sprintf(`  starter %[1]s
  starter %[1]s --by carol@example.com --id nightly`, decision),
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.decide(ctx, decision, o) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.id, "id", "",
		"workflow id (default: the quarantined sync in the database, else sync/<console>)")
	return cmd
}

func (p *app) decide(ctx context.Context, decision string, o decideOptions) error {
	by, err := requireActor(o.by)
	if err != nil {
		return err
	}
	id, err := p.undecided(ctx, o.id)
	if err != nil {
		return err
	}
	signer, err := p.openSigner(ctx, o.signOptions, by)
	if err != nil {
		return err
	}
	defer signer.Close()
	p.remarkUnsigned(signer)
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	decided, err := e.decide(ctx, id, decision, signer, wire.QuarantineDecision{By: by, Comment: o.comment})
	if err != nil {
		return err
	}
	if p.output.json {
		return p.emitJSON(decided)
	}
	if decided.Pending != "" {
		writef(p.out, "confirmed by %s: snapshot %s is still quarantined and waits %s\n",
			decided.By, decided.Snapshot, decided.Pending)
		return nil
	}
	writef(p.out, "%s by %s: snapshot %s is %s\n", past(decided.Decision), decided.By, decided.Snapshot,
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

// decide signs the decision, if there is a key, and waits until it is carried out, for as long
// as that takes.
func (e *temporalClient) decide(
	ctx context.Context, id, decision string, by requestclient.Signer, in wire.QuarantineDecision,
) (wire.QuarantineAnswer, error) {
	var decided wire.QuarantineAnswer
	in, err := e.signDecision(ctx, id, decision, by, in)
	if err == nil {
		var handle client.WorkflowUpdateHandle
		handle, err = e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: decision, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{in},
		})
		if err == nil {
			err = handle.Get(ctx, &decided)
		}
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

// signDecision signs a decision about the snapshot that the sync holds now.
func (e *temporalClient) signDecision(
	ctx context.Context, id, decision string, by requestclient.Signer, in wire.QuarantineDecision,
) (wire.QuarantineDecision, error) {
	if !by.HasKey() {
		return in, nil
	}
	s, err := e.SyncStatus(ctx, startedRun{WorkflowID: id})
	if err != nil {
		return in, err
	}
	st, signature, err := by.Sign(ctx, signing.OfStop(id, s.Snapshot, access.Stop{
		Action: decision, By: in.By, Comment: in.Comment,
	}))
	if err == nil && signature != "" {
		in.Sign(signature, st.At)
	}
	return in, err
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
