package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

func (p *app) serviceUserCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "service-user", Short: "Make and retire service users", Args: cobra.NoArgs,
		Long: "Make service users, each with one role and a token that the worker keeps, and retire them.",
		Example: `  starter service-user create --name ci --role Viewer --scope tenant --token-until 90d
  starter service-user retire ci`,
	}
	cmd.AddCommand(p.serviceUserCreateCommand(), p.serviceUserRetireCommand())
	return cmd
}

type serviceUserOptions struct {
	requestOptions

	name, description, ends string
}

func (p *app) serviceUserCreateCommand() *cobra.Command {
	var o serviceUserOptions
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a service user with one role and a token",
		Long: `Make a service user with one role, and prove it by reading it back. A console shows its
token once: the worker keeps it where SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND
says, and nothing else ever sees it; this command prints where it went. Names are not unique
on a console, so one that is taken is refused.

` + accountHelp + `

Waits for consent and proof. Ctrl-C stops the waiting, not the request.`,
		Example: `  starter service-user create --name ci --role Viewer --scope tenant --token-until 90d
  starter service-user create --name ci --role SOC --scope Acme --level account --token-until 2027-03-01 --id CHG-7`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.createServiceUser(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.name, "name", "", "name, which nobody else should have")
	cmd.Flags().StringVar(&o.description, "description", "", "what it is for")
	cmd.Flags().StringVar(&o.ends, "token-until", "", "end of its token: "+aheadHelp)
	o.accountFlags(cmd)
	return cmd
}

func (p *app) createServiceUser(ctx context.Context, o serviceUserOptions) error {
	ends, err := p.aheadFlag("token-until", o.ends, endOfDay)
	if err != nil {
		return err
	}
	w, err := p.accountWish(ctx, o.requestOptions)
	if err != nil {
		return err
	}
	if ends == nil {
		return usage("--token-until is missing: say when its token ends, as in --token-until 90d")
	}
	in := wire.ProvisionServiceUserInput{
		Name: o.name, Description: o.description, Role: w.role, Scope: w.scope, TokenExpiresAt: ends,
		Requester: w.requester, Reason: o.reason, Console: w.console, DryRun: o.dryRun,
	}
	if err := in.Validate(p.now()); err != nil {
		return badConfiguration(err)
	}
	return p.request(ctx, o.order(wire.ProvisionServiceUserType, wire.ProvisionID(w.id), &in,
		"make a service user at "+string(w.scope.Level)+" level"))
}

func (p *app) serviceUserRetireCommand() *cobra.Command {
	var o offboardOptions
	cmd := &cobra.Command{
		Use:   "retire NAME",
		Short: "Delete a service user, with its token",
		Long: `Delete a service user, and with it every role and its token, and prove by reading twice
that it is gone. Digits alone are an id. Shows what would be lost and asks for a yes; scripts
say --yes.`,
		Example: `  starter service-user retire ci
  starter service-user retire 1843820828304888119 --yes --reason CHG-8`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error {
			o.serviceUser, o.delete = args[0], true
			return p.offboard(ctx, o)
		}),
	}
	o.recordFlags(cmd)
	o.yesFlag(cmd)
	return cmd
}
