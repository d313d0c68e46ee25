package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

type offboardOptions struct {
	requestOptions

	delete, yes bool
}

func (p *app) offboardCommand() *cobra.Command {
	var o offboardOptions
	cmd := &cobra.Command{
		Use:   "offboard",
		Short: "Take everything from a user or service user",
		Long: `Delete a user or service user (--delete), or take every role away but one (--baseline-role
and --baseline-scope), and prove it. Grants for a time that are running end with it. Shows
what would be lost and asks for a yes; scripts say --yes. Once it runs it is carried through:
it waits out whatever the console says.

The worker's own user and the console's system users are refused.`,
		Example: `  starter offboard --user carol@example.com --delete --reason HR-7
  starter offboard --user carol@example.com --baseline-role Viewer --baseline-scope Acme --baseline-level account
  starter offboard --service-user svc.backup --delete --yes --id CHG-9 -o json
  starter offboard --user carol@example.com --delete --dry-run`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.offboard(ctx, o) }),
	}
	o.personFlags(cmd)
	cmd.Flags().BoolVar(&o.delete, "delete", false, "delete it")
	o.placeFlags(cmd, baselinePrefix)
	cmd.MarkFlagsMutuallyExclusive("delete", baselinePrefix+"role")
	cmd.MarkFlagsOneRequired("delete", baselinePrefix+"role")
	o.recordFlags(cmd)
	o.yesFlag(cmd)
	return cmd
}

const baselinePrefix = "baseline-"

func (o *offboardOptions) yesFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
}

func (p *app) offboard(ctx context.Context, o offboardOptions) error {
	in, id, err := p.offboardInput(ctx, o)
	if err != nil {
		return err
	}
	ask := func(dry bool) error {
		o.dryRun, in.DryRun = dry, dry
		return p.request(ctx, o.order(wire.OffboardType, wire.OffboardID(id), &in, "offboard: "+in.Mode))
	}
	if o.yes || o.dryRun {
		return ask(o.dryRun)
	}
	if !p.interactive() || p.output.json {
		return usage("nobody is there to say yes: say --yes, or look first with --dry-run")
	}
	if err := ask(true); err != nil {
		return err
	}
	if err := p.confirm("Carry it out?"); err != nil {
		return err
	}
	return ask(false)
}

func (p *app) offboardInput(
	ctx context.Context, o offboardOptions,
) (in wire.OffboardInput, id string, err error) {
	w, err := p.record(o.requestOptions, wire.OffboardID(""))
	if err != nil {
		return in, "", err
	}
	in = wire.OffboardInput{
		Mode: wire.ModeDelete, Requester: w.requester, Reason: o.reason, Console: w.console,
	}
	if in.Principal, err = o.principal(); err != nil {
		return in, "", usage("%w", err)
	}
	if !o.delete {
		var b wire.Baseline
		if b.Role, b.Scope, err = p.roleAndScope(ctx, o.selectorFlags, baselinePrefix); err != nil {
			return in, "", err
		}
		in.Mode, in.Baseline = wire.ModeBaseline, &b
	}
	return in, w.id, nil
}
