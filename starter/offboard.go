package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

type offboardCommand struct {
	*app

	requestOptions

	delete, yes bool
}

func newOffboardCommand(a *app) *cobra.Command {
	c := &offboardCommand{app: a}
	cmd := &cobra.Command{
		Use:   "offboard",
		Short: "Remove a user's or service user's access",
		Long: `Delete a user or service user (--delete), or remove every role but one (--baseline-role and
--baseline-scope), and verify it on the console. Active time-bound grants end with it. The
command shows what would be removed and asks for confirmation; scripts pass --yes. Once
started, it retries until the console has applied it.

Requests for the worker's own user and for the console's system users are refused.`,
		Example: `  starter offboard --user carol@example.com --delete --reason HR-7
  starter offboard --user carol@example.com --baseline-role Viewer --baseline-scope Acme --baseline-level account
  starter offboard --service-user svc.backup --delete --yes --id CHG-9 -o json
  starter offboard --user carol@example.com --delete --dry-run`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	c.personFlags(cmd)
	cmd.Flags().BoolVar(&c.delete, "delete", false, "delete the user or service user")
	c.placeFlags(cmd, baselinePrefix)
	cmd.MarkFlagsMutuallyExclusive("delete", baselinePrefix+"role")
	cmd.MarkFlagsOneRequired("delete", baselinePrefix+"role")
	c.recordFlags(cmd)
	c.yesFlag(cmd)
	return cmd
}

const baselinePrefix = "baseline-"

func (c *offboardCommand) yesFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "skip the confirmation prompt")
}

func (c *offboardCommand) execute(ctx context.Context) error {
	in, id, err := c.offboardInput(ctx)
	if err != nil {
		return err
	}
	ask := func(dry bool) error {
		c.dryRun, in.DryRun = dry, dry
		return c.request(ctx, c.startRequest(wire.OffboardType, wire.OffboardID(id), &in, "offboard: "+in.Mode))
	}
	if c.yes || c.dryRun {
		return ask(c.dryRun)
	}
	if !c.interactive() || c.output.json {
		return usage("cannot ask for confirmation without a terminal: pass --yes, " +
			"or see what it would do with --dry-run")
	}
	if err := ask(true); err != nil {
		return err
	}
	if err := c.confirm("Apply this change?"); err != nil {
		return err
	}
	return ask(false)
}

func (c *offboardCommand) offboardInput(
	ctx context.Context,
) (in wire.OffboardInput, id string, err error) {
	w, err := c.record(c.requestOptions, wire.OffboardID(""))
	if err != nil {
		return in, "", err
	}
	in = wire.OffboardInput{
		Mode: wire.ModeDelete, Requester: w.requester, Reason: c.reason, Console: w.console,
	}
	if in.Principal, err = c.principal(); err != nil {
		return in, "", usage("%w", err)
	}
	if !c.delete {
		var b wire.Baseline
		if b.Role, b.Scope, err = c.roleAndScope(ctx, c.selectorFlags, baselinePrefix); err != nil {
			return in, "", err
		}
		in.Mode, in.Baseline = wire.ModeBaseline, &b
	}
	return in, w.id, nil
}

// newServiceUserRetireCommand is offboarding that deletes, for service users alone.
func newServiceUserRetireCommand(a *app) *cobra.Command {
	c := &offboardCommand{app: a}
	cmd := &cobra.Command{
		Use:   "retire NAME",
		Short: "Delete a service user and its token",
		Long: `Delete a service user with all its roles and its token, and verify with two reads that it is
gone. Digits alone are an id. The command shows what would be removed and asks for
confirmation; scripts pass --yes.`,
		Example: `  starter service-user retire ci
  starter service-user retire 1843820828304888119 --yes --reason CHG-8`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			c.serviceUser, c.delete = args[0], true
			return c.execute(ctx)
		}),
	}
	c.recordFlags(cmd)
	c.yesFlag(cmd)
	return cmd
}
