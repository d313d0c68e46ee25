package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// freezeCommand stops all giving of access, or has it go on.
type freezeCommand struct {
	*app

	signOptions

	action, by, reason, console string
}

func newFreezeCommand(a *app) *cobra.Command {
	c := &freezeCommand{app: a, action: wire.FreezeAction}
	cmd := &cobra.Command{
		Use:   "freeze",
		Short: "Stop all giving of access at once",
		Long: `Stop all giving of access on a console at once: no role is granted and no account is created until
` + "`starter unfreeze`" + `. Approved requests wait, and say why. Revokes, releases and offboardings
continue, and access that is in force ends as approved.

With a key (ssh-agent, or --key) it is signed, which the worker requires if ALLOWED_SIGNERS is
set. Without one, the name in --by is recorded as claimed.`,
		Example: `  starter freeze --reason "INC-42: approvals that nobody remembers"
  starter freeze status
  starter unfreeze`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	c.freezeFlags(cmd)
	_ = cmd.MarkFlagRequired("reason") // fails only if the flag does not exist
	cmd.AddCommand(newFreezeStatusCommand(a))
	return cmd
}

func newUnfreezeCommand(a *app) *cobra.Command {
	c := &freezeCommand{app: a, action: wire.UnfreezeAction}
	cmd := &cobra.Command{
		Use:   "unfreeze",
		Short: "Let access be given again after a freeze",
		Long: `Let access be given again after ` + "`starter freeze`" + `. Where signatures are required,
two people must run this command, each with their own key; the person who froze may be one of
them. A rule of the policy with for: [unfreeze] says who.`,
		Example: `  starter unfreeze --reason "INC-42 is settled"
  starter unfreeze --by carol@example.com --key ~/.ssh/id_ed25519`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	c.freezeFlags(cmd)
	return cmd
}

func (c *freezeCommand) freezeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.by, "by", os.Getenv("USER"), "who does this, for the audit trail")
	f.StringVar(&c.reason, "reason", "", "reason, for the audit trail: a ticket, a sentence")
	f.StringVar(&c.console, "console", "", "host of the console (default: from SENTINELONE_BASE_URL)")
	c.flags(cmd)
}

// freezeAnswer is the output for programs.
type freezeAnswer struct {
	WorkflowID string `json:"workflowId"`
	State      string `json:"state"` // frozen, unfreezing or unfrozen
	wire.FreezeResult
}

func (c *freezeCommand) execute(ctx context.Context) error {
	by, err := requireActor(c.by)
	if err != nil {
		return err
	}
	in := wire.FreezeInput{Action: c.action, By: by, Reason: c.reason}
	if in.Console, err = c.consoleOr(c.console); err != nil {
		return err
	}
	if err := in.Limits(); err != nil {
		return badConfiguration(err)
	}
	if err := in.Validate(); err != nil {
		return badConfiguration(err)
	}
	e, err := c.connectToWorker(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	answer := freezeAnswer{WorkflowID: wire.FreezeID(requestclient.NewID())}
	err = c.start(ctx, e, in, &answer)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("stopped waiting for %s, which continues: see `starter freeze status`", answer.WorkflowID)
	case err != nil:
		return err
	case c.output.json:
		return c.emitJSON(answer)
	}
	c.printAnswer(in.Console, answer)
	return nil
}

// start has a workflow of its own record the message.
func (c *freezeCommand) start(ctx context.Context, e *temporalClient, in wire.FreezeInput, answer *freezeAnswer) error {
	signed, signature, err := c.sign(ctx, c.signOptions, signing.OfFreeze(answer.WorkflowID, in.Freeze()))
	if err != nil {
		return err
	}
	if signature != "" {
		in.Sign(signature, signed.At)
	}
	run, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: answer.WorkflowID, TaskQueue: e.TaskQueue, StaticSummary: in.Action,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, wire.FreezeType, in)
	if err != nil {
		return fmt.Errorf("start %s: %w", answer.WorkflowID, e.Explain(err))
	}
	if err := run.Get(ctx, &answer.FreezeResult); err != nil {
		return temporalclient.Cause(in.Action, e.Explain(err))
	}
	answer.State = answer.FreezeResult.State()
	return nil
}

func (c *freezeCommand) printAnswer(host string, a freezeAnswer) {
	switch a.State {
	case wire.StateFrozen:
		writef(c.out, "giving access on %s is frozen (%s): `starter unfreeze` ends it\n", host, a.Freeze.Signed)
	case wire.StateUnfreezing:
		writef(c.out, "your unfreeze counts (%s); giving access on %s stays frozen, pending %s: "+
			"have them run `starter unfreeze`\n", a.Freeze.Signed, host, a.Giving.Pending)
	default:
		writef(c.out, "access on %s is given again (%s)\n", host, a.Freeze.Signed)
	}
}

// frozenText says that giving is frozen, since when, by whom and why; "" if it is not.
func frozenText(s access.FreezeState) string {
	if !s.Frozen {
		return ""
	}
	return fmt.Sprintf("giving access is frozen %s (%s)", s, describe.Shorten(s.Reason, reasonShown))
}

// reasonShown bounds a reason within a line, in characters.
const reasonShown = 200
