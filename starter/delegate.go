package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

type delegateCommand struct {
	*app

	signOptions

	by, to, comment string
	lasts, until    string
	stop            bool
	console         string
}

func newDelegateCommand(a *app) *cobra.Command {
	c := &delegateCommand{app: a}
	cmd := &cobra.Command{
		Use:   "delegate",
		Short: "Delegate your decisions to someone else, with an end",
		Long: `Delegate your decisions to someone else until a given time: on open and future requests, at each step
where you may decide and they may not. Their decision for you is recorded as such, and uses up
your decision on that request as well as theirs. They never decide about a request that they
made or that gives them access, and they cannot delegate further.

--stop revokes a delegation. With a key (ssh-agent, or --key) it is signed, which the worker
requires if ALLOWED_SIGNERS is set. Without one, the name in --by is recorded as claimed.`,
		Example: `  starter delegate --to bob@example.com --for 7d --comment "on leave"
  starter delegate --to bob@example.com --until 2026-08-14 --by carol@example.com
  starter delegate --to bob@example.com --stop
  starter delegate list`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	f := cmd.Flags()
	f.StringVar(&c.by, "by", os.Getenv("USER"), "delegator, whose decisions these are")
	f.StringVar(&c.to, "to", "", "delegate, who will decide")
	f.StringVar(&c.lasts, "for", "", "duration: 8h, 7d")
	f.StringVar(&c.until, "until", "", "end: "+aheadHelp)
	f.BoolVar(&c.stop, "stop", false, "revoke the delegation")
	f.StringVar(&c.comment, "comment", "", "reason, for the audit trail")
	f.StringVar(&c.console, "console", "", "host of the console (default: from SENTINELONE_BASE_URL)")
	c.flags(cmd)
	cmd.MarkFlagsMutuallyExclusive("for", "until", "stop")
	cmd.MarkFlagsOneRequired("for", "until", "stop")
	cmd.AddCommand(newDelegateListCommand(a))
	return cmd
}

// delegateAnswer is the output for programs.
type delegateAnswer struct {
	WorkflowID string            `json:"workflowId"`
	Delegation access.Delegation `json:"delegation"`
}

func (c *delegateCommand) execute(ctx context.Context) error {
	in, err := c.delegationInput()
	if err != nil {
		return err
	}
	e, err := c.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	answer := delegateAnswer{WorkflowID: wire.DelegateID(requestclient.NewID())}
	err = c.startDelegation(ctx, e, in, &answer)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped waiting for %s, which continues: see `starter delegate list`",
			answer.WorkflowID)
	case err != nil:
		return err
	case c.output.json:
		return c.emitJSON(answer)
	}
	d := answer.Delegation
	if d.TakesBack() {
		writef(c.out, "%s no longer decides for %s (%s)\n", describe.Text(d.To), describe.Text(d.By), d.Signed)
		return nil
	}
	writef(c.out, "%s decides for %s until %s (%s)\n",
		describe.Text(d.To), describe.Text(d.By), describe.Second(d.Until), d.Signed)
	return nil
}

// farPast is before now by any clock: a delegation that ends then is revoked.
const farPast = 24 * time.Hour

func (c *delegateCommand) delegationInput() (wire.DelegationInput, error) {
	by, err := requireActor(c.by)
	if err != nil {
		return wire.DelegationInput{}, err
	}
	in := wire.DelegationInput{By: by, To: strings.TrimSpace(c.to), Comment: c.comment}
	if in.Console, err = c.consoleOr(c.console); err != nil {
		return in, err
	}
	until, err := c.aheadFlag("until", c.until, timetext.EndOfDay)
	switch {
	case err != nil:
		return in, err
	case c.stop:
		in.Until = c.now().UTC().Truncate(time.Second).Add(-farPast)
	case until != nil && !until.After(c.now()):
		return in, usage("--until: %s is in the past: to revoke a delegation, pass --stop", describe.Second(*until))
	case until != nil:
		in.Until = *until
	default:
		length, err := timetext.Duration(c.lasts)
		if err != nil {
			return in, usage("--for: %w", err)
		}
		in.Duration = access.Duration(length)
	}
	if err := in.Limits(); err != nil {
		return in, badConfiguration(err)
	}
	return in, badConfiguration(in.Delegation(c.now()).Validate())
}

// consoleOr is the console that the flag names, else the environment. It must be known, since it is signed.
func (p *app) consoleOr(flag string) (string, error) {
	host, err := p.configuredConsole()
	if host = cmp.Or(strings.ToLower(flag), host); err != nil || host != "" {
		return host, err
	}
	return "", usage("console unknown: set SENTINELONE_BASE_URL, or pass its host with --console")
}

// startDelegation has a workflow of its own record it.
func (c *delegateCommand) startDelegation(
	ctx context.Context, e *temporalClient, in wire.DelegationInput, answer *delegateAnswer,
) error {
	if err := c.signDelegation(ctx, answer.WorkflowID, &in); err != nil {
		return err
	}
	run, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: answer.WorkflowID, TaskQueue: e.TaskQueue, StaticSummary: "delegation",
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, wire.DelegateType, in)
	if err != nil {
		return fmt.Errorf("start %s: %w", answer.WorkflowID, e.Explain(err))
	}
	if err := run.Get(ctx, &answer.Delegation); err != nil {
		return temporalclient.Cause("delegation", e.Explain(err))
	}
	return nil
}

func (c *delegateCommand) signDelegation(
	ctx context.Context, id string, in *wire.DelegationInput,
) error {
	d := in.Delegation(c.now())
	d.Request = id
	signed, signature, err := c.sign(ctx, c.signOptions, signing.OfDelegation(d))
	if err == nil && signature != "" {
		in.Signature, in.SignedAt = signature, signed.At
	}
	return err
}
