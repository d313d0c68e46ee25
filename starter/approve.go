package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

type decisionOptions struct {
	signOptions

	by, comment   string
	length, start string
	patience      time.Duration
	yes           bool

	extension, review bool // which of the two, where both are pending
}

func (p *app) approveCommand() *cobra.Command {
	return p.decisionCommand(wire.ApproveUpdate, "Approve requests",
		"Approve pending requests. The command shows the plan of each and asks for confirmation.\n"+
			"--for and --start approve less than requested: a shorter duration, a later start.")
}

func (p *app) denyCommand() *cobra.Command {
	return p.decisionCommand(wire.DenyUpdate, "Deny requests",
		"Deny pending requests. The command shows the plan of each and asks for confirmation.\n"+
			"One denial ends a request.")
}

func (p *app) decisionCommand(action, short, long string) *cobra.Command {
	var o decisionOptions
	cmd := &cobra.Command{
		Use:   action + " ID…",
		Short: short,
		Long: long + `

With a key (ssh-agent, or --key) the decision is signed over the plan, which the worker requires
if ALLOWED_SIGNERS is set. Without one, the name in --by is recorded as claimed. If the plan has
changed since it was shown, the decision is not sent. A request that was just made is waited for
until it has a plan.

With -o json the command prints one object per ID, in their order, with the decision or an
error. The exit code is 1 if any failed; the others are decided all the same.`,
		Example: fmt.Sprintf(`  starter %[1]s INC-42
  starter %[1]s INC-42 INC-43 --by carol@example.com --comment "on call" --yes
  starter %[1]s INC-42 --yes -o json`, action),
		Args: cobra.MinimumNArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.decideOn(ctx, action, args, o) }),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			return p.completePending(cmd.Root().Context(), o.by, args, typed), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.by, "by", defaultActor(), "approver")
	f.StringVar(&o.comment, "comment", "", "reason, for the audit trail")
	if action == wire.ApproveUpdate {
		f.StringVar(&o.length, "for", "", "approve a shorter duration: 90m, 2h, 1d")
		f.StringVar(&o.start, "start", "", "approve a later start: "+aheadHelp)
	}
	f.BoolVar(&o.yes, "yes", false, "skip the confirmation prompt")
	f.DurationVar(&o.patience, "plan-timeout", 30*time.Second,
		"how long to wait for a plan that is being made; 0 to fail at once")
	f.BoolVar(&o.extension, "extension", false, "decide on the pending extension of an active grant")
	f.BoolVar(&o.review, "review", false, "decide on the pending review of a break-glass grant")
	cmd.MarkFlagsMutuallyExclusive("extension", "review")
	o.flags(cmd)
	return cmd
}

// decideOn goes through the requests in order.
func (p *app) decideOn(ctx context.Context, action string, ids []string, o decisionOptions) error {
	in, err := p.decisionInput(o)
	if err != nil {
		return err
	}
	if !o.yes && (!p.interactive() || p.output.json) {
		return usage("cannot ask for confirmation without a terminal: pass --yes, or read the request "+
			"first with `starter show %s`", ids[0])
	}
	by, err := p.openSigner(ctx, o.signOptions, in.By) // prompts for a passphrase once
	if err != nil {
		return err
	}
	defer by.Close()
	e, err := p.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	p.remarkUnsigned(by)
	d := pendingDecision{
		app: p, client: p.requestClient(e), signer: by, action: action, in: in, known: p.directory(ctx),
		extension: o.extension, review: o.review, patience: o.patience,
	}
	if !o.yes {
		d.agree = func() error { return p.confirm(questions[action]) }
	}
	return d.all(ctx, ids)
}

var questions = map[string]string{
	wire.ApproveUpdate: "Consent to it?",
	wire.DenyUpdate:    "Refuse it?",
}

func (p *app) decisionInput(o decisionOptions) (in wire.DecisionInput, err error) {
	in.Comment = o.comment
	if in.By, err = requireActor(o.by); err != nil {
		return in, err
	}
	if o.length != "" {
		length, err := timetext.Duration(o.length)
		if err != nil {
			return in, usage("--for: %w", err)
		}
		in.Duration = access.Duration(length)
	}
	start, err := p.aheadFlag("start", o.start, timetext.StartOfDay)
	if err != nil || start == nil {
		return in, err
	}
	if !start.After(p.now()) {
		return in, usage("--start: %s is in the past", describe.Second(*start))
	}
	in.StartAt = start.UTC().Truncate(time.Second)
	return in, nil
}

// all goes through the requests in order; one that does not take the decision does not
// keep the others from theirs.
func (d pendingDecision) all(ctx context.Context, ids []string) error {
	var faults []error
	for _, text := range ids {
		answer, err := d.one(ctx, text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", text, err))
			answer.Error = err.Error()
		}
		if d.output.json {
			faults = append(faults, d.emitLine(answer))
		} else if err == nil {
			writef(d.out, "%s\n", decisionSentence(answer.WorkflowID, *answer.Decision))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(faults...)
}
